#include "fragments.h"

#include "base/bytes.h"
#include "test.h"

#define IP6_FRAGMENT	44
#define IP6_DESTINATION 60

static void put_ethernet(struct outbytes *o, const struct fragment_spec *s)
{
	put_copy(o, (uint8_t[]){ 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 }, 12);
	if (s->vlan) {
		put_be16(o, ETHERTYPE_VLAN);
		put_be16(o, s->vlan);
	}
	put_be16(o, s->v6 ? ETHERTYPE_IP6 : ETHERTYPE_IP4);
}

static void put_ip4(struct outbytes *o, const struct fragment_spec *s)
{
	size_t header = 20u + s->more_headers * 8u;
	uint8_t *begin = o->at;
	uint32_t sum = 0;

	put_u8(o, (uint8_t)(0x40 | header / 4));
	put_u8(o, s->ecn);
	put_be16(o, (uint16_t)(header + s->len));
	put_be16(o, (uint16_t)s->id);
	put_be16(o, s->whole ? 0
			     : (uint16_t)(s->off / 8 | (s->more ? 0x2000 : 0)));
	put_u8(o, s->ttl);
	put_u8(o, s->proto);
	put_be16(o, 0);
	put_be32(o, 0x0a000000u | s->host);
	put_be32(o, 0x0a000909);
	for (int i = 0; i < s->more_headers * 8; i++)
		put_u8(o, 1); /* no operation */
	for (size_t i = 0; i < header; i += 2)
		sum += (uint32_t)begin[i] << 8 | begin[i + 1];
	sum = 0xffff - (sum % 0xffff ? sum % 0xffff : 0xffff);
	begin[10] = (uint8_t)(sum >> 8);
	begin[11] = (uint8_t)sum;
}

static void put_ip6(struct outbytes *o, const struct fragment_spec *s)
{
	size_t ext = s->more_headers * 8u + (s->whole ? 0 : 8u);
	uint8_t last = s->whole ? s->proto : IP6_FRAGMENT;

	put_be32(o, 0x60000000 | (uint32_t)s->ecn << 20);
	put_be16(o, (uint16_t)(ext + s->len));
	put_u8(o, s->more_headers ? IP6_DESTINATION : last);
	put_u8(o, s->ttl);
	put_be32(o, 0x20010db8);
	put_be32(o, 0);
	put_be32(o, 0);
	put_be32(o, s->host);
	put_be32(o, 0x20010db8);
	put_zero(o, 11);
	put_u8(o, 9);
	for (int i = 1; i <= s->more_headers; i++) {
		put_u8(o, i < s->more_headers ? IP6_DESTINATION : last);
		put_u8(o, 0);
		put_copy(o, (uint8_t[]){ 1, 4, 0, 0, 0, 0 }, 6); /* PadN */
	}
	if (s->whole)
		return;
	put_u8(o, s->proto);
	put_u8(o, 0);
	put_be16(o, (uint16_t)(s->off | s->more));
	put_be32(o, s->id);
}

size_t fragment_make(uint8_t *buf, size_t size, const struct fragment_spec *s,
		     const uint8_t *content)
{
	struct outbytes o = outbytes_of(buf, size);

	put_ethernet(&o, s);
	if (s->v6)
		put_ip6(&o, s);
	else
		put_ip4(&o, s);
	put_copy(&o, content, s->len);
	put_zero(&o, s->padding);
	assert_false(o.full);
	return outbytes_len(&o);
}
