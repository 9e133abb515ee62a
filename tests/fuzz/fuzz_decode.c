/*
 * Any bytes as a frame: what is called a packet lies within its frame, and so
 * does a packet in it; what we would answer is a packet, too. A checksum that
 * is said to become right becomes so, and filling it in changes nothing else.
 *
 * The destination MAC says what the ring knows of the checksum: state, start,
 * offset and whether there are segments.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/bug.h"
#include "base/limits.h"
#include "packet/build.h"
#include "packet/checksum.h"
#include "packet/packet.h"
#include "packet/tunnel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_answer(bool (*build)(struct outbytes *,
				       const struct packet *),
			 const struct packet *p)
{
	uint8_t buf[INJECT_FRAME_MAX];
	struct outbytes out = outbytes_of(buf, sizeof buf);
	struct packet ours;
	struct frame f;

	if (!build(&out, p))
		return;
	f = (struct frame){ .bytes = bytes_of(buf, outbytes_len(&out)),
			    .wire_len = outbytes_len(&out) };
	BUG_ON(packet_decode(&ours, f) != PACKET_OK);
	BUG_ON(packet_checksums(&ours) != PACKET_CSUM_OK);
}

static void check_view(const struct packet *p)
{
	const uint8_t *begin = p->frame.bytes.begin;
	size_t len = bytes_len(p->frame.bytes);

	BUG_ON(p->l3_off > p->l4_off || p->l4_off > len);
	BUG_ON(p->l4_off + p->l4_len > len);
	BUG_ON(p->payload.begin < begin || p->payload.end > begin + len);
	BUG_ON(bytes_len(p->payload) != p->payload_len);
}

static void fill(uint8_t *b, size_t len, const struct frame_csum *c)
{
	struct outbytes field = outbytes_of(b + c->start + c->offset, 2);
	uint16_t v = checksum_fold(
		checksum_add(0, bytes_of(b + c->start, len - c->start)));

	put_be16(&field, v ? v : UINT16_MAX);
}

static void check_fill(const struct packet *p)
{
	const struct frame_csum *c = &p->frame.csum;
	size_t len = bytes_len(p->frame.bytes);
	enum packet_csum verdict = packet_checksums(p);
	struct packet filled;
	struct frame f = p->frame;
	uint8_t *copy;

	if (c->state != FRAME_CSUM_UNFILLED || c->segments ||
	    (verdict != PACKET_CSUM_OK && verdict != PACKET_CSUM_NOT_CHECKED) ||
	    (size_t)c->start + c->offset + 2 > len)
		return;
	copy = malloc(len);
	BUG_ON(!copy);
	memcpy(copy, p->frame.bytes.begin, len);
	fill(copy, len, c);
	f.bytes = bytes_of(copy, len);
	f.csum = (struct frame_csum){ 0 };
	BUG_ON(packet_decode(&filled, f) != PACKET_OK);
	BUG_ON(packet_checksums(&filled) != verdict);
	BUG_ON(filled.proto != p->proto || filled.l4_off != p->l4_off ||
	       filled.sport != p->sport || filled.dport != p->dport ||
	       filled.tcp_seq != p->tcp_seq || filled.tcp_ack != p->tcp_ack ||
	       filled.tcp_flags != p->tcp_flags ||
	       filled.payload_len != p->payload_len);
	free(copy);
}

static void check_inner(const struct packet *outer)
{
	const struct tunnel_options all = tunnel_options_all();
	struct packet at = *outer, inner;
	enum packet_outcome why;
	uint8_t buf[INJECT_FRAME_MAX];

	while (packet_inner(&at, &all, &inner, &why) == TUNNEL_INNER) {
		struct outbytes out = outbytes_of(buf, sizeof buf);

		check_view(&inner);
		BUG_ON(inner.frame.bytes.begin < at.payload.begin ||
		       inner.frame.bytes.end > at.payload.end);
		BUG_ON(inner.depth != at.depth + 1);
		BUG_ON(inner.depth > TUNNEL_DEPTH_MAX);
		BUG_ON(packet_checksums(&inner) >= PACKET_CSUM__MAX);
		BUG_ON(build_rst_back(&out, &inner));
		at = inner;
	}
}

static struct frame_csum csum_of(const uint8_t *mac)
{
	return (struct frame_csum){
		.state = mac[0] % (FRAME_CSUM_UNFILLED + 1),
		.start = (uint16_t)((mac[1] & 1) << 8 | mac[2]),
		.offset = mac[3],
		.segments = mac[4] & 1,
	};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct frame f = { .bytes = bytes_of(data, len), .wire_len = len };
	struct packet p;

	if (len > FRAME_MAX || len < 6)
		return 0;
	f.csum = csum_of(data);
	if (packet_decode(&p, f) != PACKET_OK)
		return 0;
	check_view(&p);
	check_fill(&p);
	check_inner(&p);
	check_answer(build_rst_back, &p);
	check_answer(build_rst_forward, &p);
	check_answer(build_prohibited_back, &p);
	return 0;
}
