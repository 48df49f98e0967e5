/*
 * Pages of the documentation that programs of the build write from tables of the code. Run with the
 * name of the page's file such a program is a test: it fails when the file is not what it writes.
 */
#pragma once

#include <stdio.h>

/* The main() of a program of this name: prints the page without arguments, compares it with a file
 * otherwise. Returns the exit code: 0, 1 (they differ; the first line that does is told), 2. */
int page_main(const char *program, int argc, char **argv, void (*write)(FILE *out));
