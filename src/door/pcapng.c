/*
 * A block is built whole and then written: its length stands at both ends. All
 * numbers are in the host's byte order, which the section header's magic tells.
 *
 *   type | total length | body, options | total length
 *
 * Options are code, length, value, rounded up to 32 bits; the last is 0, 0.
 */
#include "door/pcapng.h"

#include <errno.h>
#include <string.h>

#include "base/bug.h"
#include "base/limits.h"

#define TEXT_MAX 512 /* of one option's; cut */
/* The largest block holds a frame, a comment and little else. */
#define BLOCK_MAX (FRAME_MAX + 2 * TEXT_MAX)

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_STATISTICS = 5,
	BLOCK_PACKET = 6
};

enum {
	OPT_END = 0,
	OPT_COMMENT = 1,
	OPT_SECTION_PROGRAM = 4,
	OPT_IF_NAME = 2,
	OPT_IF_FILTER = 11,
	OPT_PACKET_FLAGS = 2,
	OPT_STATS_BEGIN = 2,
	OPT_STATS_END = 3,
	OPT_STATS_RECEIVED = 4,
	OPT_STATS_DROPPED = 5,
	OPT_STATS_ACCEPTED = 6,
	OPT_STATS_WRITTEN = 8
};

#define ORDER_MAGIC   0x1a2b3c4du
#define LINK_ETHERNET 1
#define FLAG_INBOUND  1u
#define FLAG_OUTBOUND 2u

struct block {
	uint8_t bytes[BLOCK_MAX];
	size_t len;
};

static void add(struct block *b, const void *from, size_t len)
{
	static const uint8_t zeros[4];
	size_t padding = (4 - len % 4) % 4;

	BUG_ON(b->len + len + padding + 4 > sizeof b->bytes);
	if (len)
		memcpy(b->bytes + b->len, from, len);
	memcpy(b->bytes + b->len + len, zeros, padding);
	b->len += len + padding;
}

static void add32(struct block *b, uint32_t v)
{
	add(b, &v, sizeof v);
}

/* Two halves of 16 bits, in this order. */
static void add16s(struct block *b, uint16_t first, uint16_t second)
{
	uint16_t v[] = { first, second };

	add(b, v, sizeof v);
}

/* A time, or another number that is told as its high and its low half. */
static void add_halves(struct block *b, uint64_t v)
{
	add32(b, (uint32_t)(v >> 32));
	add32(b, (uint32_t)v);
}

static void add_option(struct block *b, uint16_t code, const void *value,
		       size_t len)
{
	add16s(b, code, (uint16_t)len);
	add(b, value, len);
}

static void add_text(struct block *b, uint16_t code, const char *text)
{
	size_t len = strnlen(text, TEXT_MAX);

	if (len)
		add_option(b, code, text, len);
}

static void begin(struct block *b, uint32_t type)
{
	b->len = 0;
	add32(b, type);
	add32(b, 0); /* the length, see finish() */
}

static int finish(struct block *b, FILE *f)
{
	uint32_t len = (uint32_t)b->len + 4;

	memcpy(b->bytes + 4, &len, sizeof len);
	add32(b, len);
	errno = 0;
	if (fwrite(b->bytes, 1, b->len, f) == b->len)
		return 0;
	return errno ? -errno : -EIO;
}

int pcapng_begin(FILE *f, const struct pcapng_about *about)
{
	static struct block b; /* large; one thread */
	char filter[TEXT_MAX + 1];
	int rc;

	begin(&b, BLOCK_SECTION);
	add32(&b, ORDER_MAGIC);
	add16s(&b, 1, 0);      /* version */
	add32(&b, UINT32_MAX); /* how long the section is: */
	add32(&b, UINT32_MAX); /* not known */
	add_text(&b, OPT_SECTION_PROGRAM, about->program);
	add32(&b, OPT_END);
	rc = finish(&b, f);
	if (rc < 0)
		return rc;
	begin(&b, BLOCK_INTERFACE);
	add16s(&b, LINK_ETHERNET, 0);
	add32(&b, about->snaplen);
	add_text(&b, OPT_IF_NAME, about->if_name);
	/* its first byte, 0, says that it is a text */
	(void)snprintf(filter, sizeof filter, "%c%s", '\0', about->filter);
	if (about->filter[0])
		add_option(&b, OPT_IF_FILTER, filter,
			   1 + strnlen(about->filter, TEXT_MAX - 1));
	add32(&b, OPT_END);
	return finish(&b, f);
}

int pcapng_frame(FILE *f, const struct pcapng_frame *frame)
{
	static struct block b;
	uint32_t flags = frame->inbound ? FLAG_INBOUND : FLAG_OUTBOUND;
	size_t len = bytes_len(frame->bytes);

	begin(&b, BLOCK_PACKET);
	add32(&b, 0); /* the interface */
	add_halves(&b, frame->at_us);
	add32(&b, (uint32_t)len);
	add32(&b, frame->wire_len);
	add(&b, frame->bytes.begin, len);
	add_text(&b, OPT_COMMENT, frame->comment);
	add_option(&b, OPT_PACKET_FLAGS, &flags, sizeof flags);
	add32(&b, OPT_END);
	return finish(&b, f);
}

int pcapng_end(FILE *f, const struct pcapng_sums *sums)
{
	static struct block b;
	const struct {
		uint16_t code;
		uint64_t value;
	} counts[] = {
		{ OPT_STATS_RECEIVED, sums->received },
		{ OPT_STATS_DROPPED, sums->dropped },
		{ OPT_STATS_ACCEPTED, sums->accepted },
		{ OPT_STATS_WRITTEN, sums->written },
	};

	begin(&b, BLOCK_STATISTICS);
	add32(&b, 0); /* the interface */
	add_halves(&b, sums->end_us);
	add16s(&b, OPT_STATS_BEGIN, 8);
	add_halves(&b, sums->begin_us);
	add16s(&b, OPT_STATS_END, 8);
	add_halves(&b, sums->end_us);
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		add_option(&b, counts[i].code, &counts[i].value,
			   sizeof counts[i].value);
	add32(&b, OPT_END);
	return finish(&b, f);
}
