/*
 * A disk that fails when it is told to, for a program that is started with LD_PRELOAD=bad_disk.so.
 *
 * BAD_DISK_FOLDER names the folder whose files are on that disk, BAD_DISK_FILE a file with the
 * faults that there are at the moment, as words; without the file the disk is good.
 *
 *   write   nothing can be written
 *   torn    half of what is written arrives, then nothing any more
 *   sync    everything can be written, but not made durable
 */
#undef _FILE_OFFSET_BITS /* it gives pwrite() the other name that it has */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* Calls of the kernel itself: those of the library may be ours. */
static bool command_has(const char *word)
{
	const char *path = getenv("BAD_DISK_FILE");
	char text[128];
	long fd, n;

	if (!path)
		return false;
	fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = syscall(SYS_read, fd, text, sizeof(text) - 1);
	syscall(SYS_close, fd);
	text[n > 0 ? n : 0] = '\0';
	return strstr(text, word) != NULL;
}

static bool on_disk(int fd)
{
	const char *folder = getenv("BAD_DISK_FOLDER");
	char link[32], path[PATH_MAX];
	ssize_t n;

	if (!folder || fd < 0)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = syscall(SYS_readlink, link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	return strncmp(path, folder, strlen(folder)) == 0;
}

static bool fails(int fd, const char *word)
{
	int error = errno;
	bool is_so = on_disk(fd) && command_has(word);

	errno = is_so ? EIO : error;
	return is_so;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *data, size_t len)
{
	if (fails(fd, "write"))
		return -1;
	if (len > 1 && fails(fd, "torn")) {
		/* The rest is asked for again by one who takes this for a disk that is slow. */
		static __thread bool half;

		half = !half;
		return half ? REAL(write)(fd, data, len / 2) : -1;
	}
	return REAL(write)(fd, data, len);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
	return fails(fd, "write") || fails(fd, "torn") ? -1 : REAL(writev)(fd, parts, count);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
	return fails(fd, "write") || fails(fd, "torn") ? -1 : REAL(pwrite)(fd, data, len, at);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
	return fails(fd, "write") || fails(fd, "torn") ? -1 : REAL(pwrite64)(fd, data, len, at);
}

int fsync(int fd)
{
	return fails(fd, "sync") ? -1 : REAL(fsync)(fd);
}

int fdatasync(int fd)
{
	return fails(fd, "sync") ? -1 : REAL(fdatasync)(fd);
}

int sync_file_range(int fd, off64_t from, off64_t len, unsigned flags)
{
	/* Without a flag it touches no disk, and asks only whether the kernel knows the call. */
	return flags && fails(fd, "sync") ? -1 : REAL(sync_file_range)(fd, from, len, flags);
}
