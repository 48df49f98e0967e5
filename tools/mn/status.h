/*
 * dmm-mn --status: a local stream socket that gives the node's state as one JSON document to
 * whoever connects.
 */
#pragma once

#include <jansson.h>

/* Listens on a socket file (mode 0600); a file left by a dead process is replaced. Returns the
 * descriptor to poll, or a negative errno: -EADDRINUSE when a live process answers there,
 * -EEXIST when the file is no socket. */
int status_listen(const char *path);

/* Serves one connection: writes the document, which is consumed. A client that does not read is
 * not waited for. */
void status_serve(int fd, json_t *document);

/* Asks the process that listens on path and prints its answer. 0, or a negative errno. */
int status_ask(const char *path);
