/*
 * A time of day that is wrong, for a program that is started with LD_PRELOAD=wrong_clock.so: the
 * file that WRONG_CLOCK_FILE names has by how many seconds it is ahead.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Calls of the kernel itself: those of the library may be ours, or of a sanitizer that is not ready
 * yet. */
static long ahead(void)
{
	const char *path = getenv("WRONG_CLOCK_FILE");
	char text[32];
	long fd, n;

	if (!path)
		return 0;
	fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = syscall(SYS_read, fd, text, sizeof(text) - 1);
	syscall(SYS_close, fd);
	text[n > 0 ? n : 0] = '\0';
	return strtol(text, NULL, 10);
}

int clock_gettime(clockid_t id, struct timespec *time)
{
	if (syscall(SYS_clock_gettime, id, time) != 0)
		return -1;
	if (id == CLOCK_REALTIME)
		time->tv_sec += ahead();
	return 0;
}
