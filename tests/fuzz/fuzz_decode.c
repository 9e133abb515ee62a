/*
 * Any bytes as a frame: what is called a packet lies within its frame, and
 * what we would answer is a packet, too.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/bug.h"
#include "base/limits.h"
#include "packet/build.h"
#include "packet/packet.h"

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
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct frame f = { .bytes = bytes_of(data, len), .wire_len = len };
	struct packet p;

	if (len > FRAME_MAX || packet_decode(&p, f) != PACKET_OK)
		return 0;
	BUG_ON(p.l3_off > p.l4_off || p.l4_off > len);
	BUG_ON(p.l4_off + p.l4_len > len);
	BUG_ON(p.payload.begin < data || p.payload.end > data + len);
	BUG_ON(bytes_len(p.payload) != p.payload_len);
	check_answer(build_rst_back, &p);
	check_answer(build_rst_forward, &p);
	check_answer(build_prohibited_back, &p);
	return 0;
}
