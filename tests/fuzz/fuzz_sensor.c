/*
 * Any bytes as a body, in pieces and whole: nothing is read that is not there
 * (each piece is on the heap), and what must hold of a finding does.
 *
 *   byte 0: the field; byte 1: the longest piece
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "detect/sensor_scan.h"
#include "wire/app.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct sensor_scanner *scanner;
static struct sensor_use used[8];
static struct sensor_uses uses = { .uses = used };

static void on_told(void *arg, uint32_t conversation,
		    const struct sensor_told *t)
{
	(void)arg;
	BUG_ON(!conversation || !t->sensor || t->depth > SENSOR_DEPTH);
	BUG_ON(t->match.begin < t->around.begin ||
	       t->match.end > t->around.end);
	BUG_ON(!memchr(t->evidence->match, 0, sizeof t->evidence->match));
	BUG_ON(t->count != t->pattern->count);
}

static void begin(void)
{
	struct sensor_scanner_options o = {
		.conversations = 2,
		.windows = 4,
		.progress = 16,
		.told = on_told,
	};
	struct sensor_list *l = sensor_list_ready();
	struct sensor_lane *lane;
	struct sensor_set *set;

	BUG_ON(!l);
	for (size_t i = 0; i < sensor_list_len(l) && i < 8; i++)
		used[uses.n++] = (struct sensor_use){ sensor_list_at(l, i)->id,
						      SENSOR_ALERT };
	set = sensor_set_new(l, NULL, NULL);
	BUG_ON(!set);
	lane = sensor_lane_new(set);
	scanner = sensor_scanner_new(&o);
	BUG_ON(!lane || !scanner);
	(void)sensor_scanner_adopt(scanner, lane); /* there was none */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t fields[] = { FIELD_HTTP_RESPONSE_BODY,
					  FIELD_HTTP_HEADER, FIELD_SQL_TEXT,
					  FIELD_HTTP_URI_RAW };
	struct bytes b = bytes_of(data, len), part;
	struct proto_piece p = { .begin = true };
	uint8_t field, most;
	uint32_t c;

	if (!scanner)
		begin();
	if (!take_u8(&b, &field) || !take_u8(&b, &most))
		return 0;
	c = sensor_open(scanner);
	BUG_ON(!c);
	p.field = fields[field % sizeof fields];
	p.side = p.field == FIELD_HTTP_RESPONSE_BODY;
	sensor_known(scanner, c, field & 0x80 ? APP_HTTP : 0);
	while (bytes_len(b) > 0) {
		size_t n = most + 1u;
		uint8_t *copied;

		n = n < bytes_len(b) ? n : bytes_len(b);
		(void)take_bytes(&b, n, &part); /* n are there */
		copied = malloc(n);
		BUG_ON(!copied);
		memcpy(copied, part.begin, n);
		p.bytes = bytes_of(copied, n);
		p.end = bytes_len(b) == 0 && field & 0x40;
		(void)sensor_piece(scanner, c, uses, &p);
		(void)sensor_sent(scanner, c, uses, PROTO_CLIENT, p.bytes,
				  field & 0x20);
		p.begin = false;
		free(copied);
	}
	(void)sensor_ended(scanner, c, uses, PROTO_SERVER);
	(void)sensor_close(scanner, c, uses);
	return 0;
}
