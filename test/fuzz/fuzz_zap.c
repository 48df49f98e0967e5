/* Requests for authentication: whatever the frames are, they are refused or read as they stand.
 * The input is a row of frames, each led by its length in one octet. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/zap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iovec frames[ZSOCK_PARTS_MAX];
	struct zap_request r;
	size_t count = 0;

	while (size && count < ZSOCK_PARTS_MAX) {
		size_t len = data[0] < size ? data[0] : size - 1;

		/* A block of its own, so that reading past its end is noticed. */
		frames[count].iov_base = malloc(len + 1);
		frames[count].iov_len = len;
		if (!frames[count].iov_base)
			abort();
		memcpy(frames[count].iov_base, data + 1, len);
		frames[count].iov_base = realloc(frames[count].iov_base, len ? len : 1);
		count++;
		data += len + 1;
		size -= len + 1;
	}
	int rc = zap_request_read(frames, count, &r);

	if (rc != -EBADMSG &&
		(r.id_len != frames[1].iov_len || memcmp(r.id, frames[1].iov_base, r.id_len) != 0))
		abort();
	if (rc == 0 && memcmp(r.key.b, frames[6].iov_base, CURVE_KEY_LEN) != 0)
		abort();
	if (strlen(r.address) > ZAP_ADDRESS_MAX || strspn(r.address, "\r\n\t ") != 0)
		abort();
	for (size_t i = 0; i < count; i++)
		free(frames[i].iov_base);
	return 0;
}
