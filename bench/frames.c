#include "frames.h"

#include "packet/checksum.h"
#include "packet/packet.h"

const struct mac mark = { { 0x4e, 0x65, 0x75, 0x56, 0, 1 } };
const struct mac own_mac = { { 2, 0, 0, 0, 0, 1 } };
const struct mac peer_mac = { { 2, 0, 0, 0, 0, 2 } };

static void put_ip(struct outbytes *o, const struct frame_headers *h)
{
	uint8_t *begin = o->at;
	struct outbytes sum;

	put_be16(o, 0x4500);
	put_be16(o, (uint16_t)(40 + h->payload));
	put_be32(o, 0x4000); /* id 0, do not fragment */
	put_be16(o, 64 << 8 | PROTO_TCP);
	put_be16(o, 0);
	put_be32(o, h->from);
	put_be32(o, h->to);
	sum = outbytes_of(begin + 10, 2);
	put_be16(&sum, checksum_fold(checksum_add(0, bytes_of(begin, 20))));
}

void put_headers(struct outbytes *o, const struct frame_headers *h)
{
	put_copy(o, h->to_own ? mark.b : peer_mac.b, 6);
	put_copy(o, h->to_own ? peer_mac.b : mark.b, 6);
	put_be16(o, ETHERTYPE_IP4);
	put_ip(o, h);
	put_be16(o, h->from_port);
	put_be16(o, h->to_port);
	put_be32(o, h->seq);
	put_be32(o, h->ack);
	put_be16(o, (uint16_t)(0x5000 | h->flags));
	put_be16(o, 65535); /* window */
	put_be32(o, 0);
}
