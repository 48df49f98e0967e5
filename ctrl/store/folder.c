#include "ctrl/store/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARKER     "DMM-STORE"
#define MARKER_TMP "DMM-STORE.tmp"

int store_why_set(struct store_why *why, int error, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
	return error;
}

/* Makes the folder and the parents that are missing. */
static int make_folder(const char *path)
{
	char part[480];

	for (size_t i = 1; i <= strlen(path); i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

/* Name of an entry that an empty or unfinished store does not have, or an empty text. */
static int foreign_entry(int fd, char *name, size_t size)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!dir) {
		int error = -errno;

		if (copy >= 0)
			close(copy);
		return error;
	}
	name[0] = '\0';
	while ((entry = readdir(dir)) && !name[0]) {
		const char *n = entry->d_name;

		/* A file system of its own is mounted with lost+found in it. */
		if (strcmp(n, ".") && strcmp(n, "..") && strcmp(n, MARKER_TMP) &&
			strcmp(n, "lost+found"))
			snprintf(name, size, "%s", n);
	}
	closedir(dir);
	return 0;
}

/* Reads the marker: its length, 0 when there is none, or a negative errno. */
static int read_marker(int folder, char *text, size_t size)
{
	int fd = openat(folder, MARKER, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n;

	text[0] = '\0';
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	n = read(fd, text, size - 1);
	if (n < 0) {
		int error = -errno;

		close(fd);
		return error;
	}
	close(fd);
	text[n] = '\0';
	return n ? (int)n : -EUCLEAN;
}

static int check_marker(
	struct store_folder *folder, const char *text, const char *engine, struct store_why *why)
{
	unsigned format;
	char name[32], state[32], rest;

	if (sscanf(text, "dmm-store %u %31s %31s%c", &format, name, state, &rest) != 4 ||
		rest != '\n' || (strcmp(state, "ready") && strcmp(state, "creating")))
		return store_why_set(
			why, -EUCLEAN, "store %s: the file %s is damaged", folder->path, MARKER);
	if (format != STORE_FORMAT || strcmp(name, engine) != 0)
		return store_why_set(why, -EUCLEAN,
			"store %s: it has format %u of engine %s, this program needs format %d of "
			"engine %s",
			folder->path, format, name, STORE_FORMAT, engine);
	folder->ready = strcmp(state, "ready") == 0;
	return 0;
}

/* Whose folder is it? */
static int identify(struct store_folder *folder, const char *engine, struct store_why *why)
{
	char text[128], name[256];
	int error = read_marker(folder->fd, text, sizeof(text));

	if (error > 0)
		return check_marker(folder, text, engine, why);
	if (error < 0)
		return store_why_set(why, error, "store %s: cannot read %s: %s", folder->path,
			MARKER, strerror(-error));
	error = foreign_entry(folder->fd, name, sizeof(name));
	if (error)
		return store_why_set(
			why, error, "store %s: cannot list it: %s", folder->path, strerror(-error));
	if (name[0])
		return store_why_set(why, -ENOTEMPTY,
			"store %s: the folder is not a store (no %s) and not empty (%s): refusing "
			"to touch it",
			folder->path, MARKER, name);
	folder->ready = false;
	return 0;
}

int store_folder_open(
	struct store_folder *folder, const char *path, const char *engine, struct store_why *why)
{
	int error;

	*folder = (struct store_folder){.fd = -1};
	if (!path[0] || strlen(path) >= sizeof(folder->path))
		return store_why_set(why, -EINVAL, "store: the path is empty or too long");
	strcpy(folder->path, path);
	error = make_folder(path);
	if (error)
		return store_why_set(
			why, error, "store %s: cannot make the folder: %s", path, strerror(-error));
	folder->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder->fd < 0) {
		error = -errno;
		return store_why_set(
			why, error, "store %s: cannot open it: %s", path, strerror(-error));
	}
	if (flock(folder->fd, LOCK_EX | LOCK_NB) < 0)
		error = store_why_set(why, errno == EWOULDBLOCK ? -EBUSY : -errno, "store %s: %s",
			path, errno == EWOULDBLOCK ? "another process uses it" : strerror(errno));
	else
		error = identify(folder, engine, why);
	if (error)
		store_folder_close(folder);
	return error;
}

int store_folder_mark(struct store_folder *folder, const char *engine, bool ready)
{
	char text[128];
	int len = snprintf(text, sizeof(text), "dmm-store %d %s %s\n", STORE_FORMAT, engine,
		ready ? "ready" : "creating");
	int fd = openat(folder->fd, MARKER_TMP, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, (size_t)len) != len)
		error = errno ? -errno : -EIO;
	else if (fsync(fd) < 0)
		error = -errno;
	close(fd);
	if (error)
		return error;
	if (renameat(folder->fd, MARKER_TMP, folder->fd, MARKER) < 0 || fsync(folder->fd) < 0)
		return -errno;
	folder->ready = ready;
	return 0;
}

void store_folder_close(struct store_folder *folder)
{
	if (folder->fd >= 0)
		close(folder->fd);
	folder->fd = -1;
}
