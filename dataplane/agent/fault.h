/*
 * Damage on demand, for tests of what notices it. Compiled in by the build option fault_hooks
 * alone, and asleep unless the environment variable DMM_FAULT_FILE names a file.
 */
#pragma once

struct tables;

/*
 * If the file is there (moved there whole), does what its one line says and removes it:
 *
 *   subscriber ID   the address that packets to this subscriber (hexadecimal) are tunnelled to is
 *                   another than was set, under the eyes of the workers
 *   path ID         the remote address of this path is
 *   subscriber-id ID, path-id ID, prefix ID
 *                   what the subscriber or path is found by, or the subscriber's first prefix, is
 *
 * Agent thread, about every SESSION_TICK_MS.
 */
void fault_tick(struct tables *tables);
