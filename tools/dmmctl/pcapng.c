#include "tools/dmmctl/pcapng.h"

#include <errno.h>
#include <string.h>

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 6,
	BYTE_ORDER = 0x1a2b3c4d,
	LINK_RAW = 101, /* begins with the IP header */
	OPTION_END = 0,
	OPTION_COMMENT = 1,
	OPTION_FLAGS = 2,
	OPTION_RESOLUTION = 9,
	NANOSECONDS = 9, /* 10^-9 s */
	INBOUND = 1,
	OUTBOUND = 2,
	COMMENT_MAX = 400,
	PACKET_MAX = 65535,
	ROOM = PACKET_MAX + COMMENT_MAX + 128,
};

/* A block that is being made, in the byte order of this machine, which the file tells. */
struct block {
	size_t len;
	uint8_t octets[ROOM];
};

static void put(struct block *b, const void *octets, size_t len)
{
	if (len)
		memcpy(b->octets + b->len, octets, len);
	b->len += len;
	for (; b->len % 4; b->len++)
		b->octets[b->len] = 0;
}

static void put_u32(struct block *b, uint32_t value)
{
	put(b, &value, sizeof(value));
}

static void put_option(struct block *b, uint16_t code, const void *value, uint16_t len)
{
	const uint16_t head[2] = {code, len};

	put(b, head, sizeof(head));
	put(b, value, len);
}

static void begin(struct block *b, uint32_t type)
{
	b->len = 0;
	put_u32(b, type);
	put_u32(b, 0); /* the length, by finish() */
}

/* A block has its length at both ends. */
static int finish(struct block *b, FILE *to)
{
	const uint32_t len = (uint32_t)b->len + (uint32_t)sizeof(len);

	memcpy(b->octets + sizeof(uint32_t), &len, sizeof(len));
	put_u32(b, len);
	return fwrite(b->octets, b->len, 1, to) == 1 ? 0 : -EIO;
}

int pcapng_begin(FILE *to)
{
	static struct block b;
	const uint16_t version[2] = {1, 0}, link[2] = {LINK_RAW, 0};
	const int64_t unknown_length = -1;
	const uint8_t resolution = NANOSECONDS;
	int rc;

	begin(&b, BLOCK_SECTION);
	put_u32(&b, BYTE_ORDER);
	put(&b, version, sizeof(version));
	put(&b, &unknown_length, sizeof(unknown_length));
	rc = finish(&b, to);
	begin(&b, BLOCK_INTERFACE);
	put(&b, link, sizeof(link));
	put_u32(&b, PACKET_MAX);
	put_option(&b, OPTION_RESOLUTION, &resolution, sizeof(resolution));
	put_option(&b, OPTION_END, NULL, 0);
	if (rc == 0)
		rc = finish(&b, to);
	return rc == 0 && fflush(to) == 0 ? 0 : -EIO;
}

int pcapng_packet(FILE *to, uint64_t real_ns, bool inbound, const uint8_t *octets, size_t len,
	size_t length, const char *comment)
{
	static struct block b;
	const uint32_t flags = inbound ? INBOUND : OUTBOUND;
	const size_t comment_len = strnlen(comment, COMMENT_MAX);

	if (length > PACKET_MAX || len > length)
		return -EINVAL;
	begin(&b, BLOCK_PACKET);
	put_u32(&b, 0); /* the interface */
	put_u32(&b, (uint32_t)(real_ns >> 32));
	put_u32(&b, (uint32_t)real_ns);
	put_u32(&b, (uint32_t)len);
	put_u32(&b, (uint32_t)length);
	put(&b, octets, len);
	put_option(&b, OPTION_COMMENT, comment, (uint16_t)comment_len);
	put_option(&b, OPTION_FLAGS, &flags, sizeof(flags));
	put_option(&b, OPTION_END, NULL, 0);
	return finish(&b, to) == 0 && fflush(to) == 0 ? 0 : -EIO;
}
