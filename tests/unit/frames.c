#include "frames.h"

#include "test.h"

struct ip_addr ip_of(const char *text)
{
	struct ip_addr a;

	assert_int_equal(ip_parse(text, &a), 0);
	return a;
}

static size_t l4_header_len(const struct frame_spec *s)
{
	if (s->no_l4)
		return 0;
	switch (s->proto) {
	case PROTO_TCP: return 20;
	case PROTO_UDP:
	case PROTO_ICMP:
	case PROTO_ICMPV6: return 8;
	case PROTO_SCTP: return 12;
	default: return 0;
	}
}

static void put_l3(struct outbytes *o, const struct frame_spec *s,
		   size_t l4_len)
{
	struct ip_addr saddr = ip_of(s->saddr), daddr = ip_of(s->daddr);
	size_t header_len = 20 + s->options_len;

	if (ip_is_v4(saddr)) {
		put_u8(o, (uint8_t)(0x40 | header_len / 4));
		put_u8(o, 0);
		put_be16(o, (uint16_t)(header_len + l4_len));
		put_be16(o, s->id);
		put_be16(o, s->frag);
		put_u8(o, s->ttl ? s->ttl : 64);
		put_u8(o, s->proto);
		put_be16(o, 0);
		put_copy(o, saddr.b + 12, 4);
		put_copy(o, daddr.b + 12, 4);
		if (s->options_len)
			put_copy(o, s->options, s->options_len);
		return;
	}
	put_be32(o, 0x60000000);
	put_be16(o, (uint16_t)(s->ext_len + l4_len));
	put_u8(o, s->ext_len ? s->ext_proto : s->proto);
	put_u8(o, s->ttl ? s->ttl : 64);
	put_copy(o, saddr.b, 16);
	put_copy(o, daddr.b, 16);
	if (s->ext_len)
		put_copy(o, s->ext, s->ext_len);
}

static void put_l4(struct outbytes *o, const struct frame_spec *s)
{
	switch (s->proto) {
	case PROTO_TCP:
		put_be16(o, s->sport);
		put_be16(o, s->dport);
		put_be32(o, s->seq);
		put_be32(o, s->ack);
		put_u8(o, 0x50);
		put_u8(o, s->flags);
		put_be16(o, s->has_window ? s->window : 1000);
		put_be32(o, 0);
		break;
	case PROTO_UDP:
		put_be16(o, s->sport);
		put_be16(o, s->dport);
		put_be16(o, (uint16_t)(8 + s->payload_len));
		put_be16(o, 0);
		break;
	case PROTO_SCTP:
		put_be16(o, s->sport);
		put_be16(o, s->dport);
		put_zero(o, 8);
		break;
	case PROTO_ICMP:
	case PROTO_ICMPV6:
		put_u8(o, s->icmp_type);
		put_u8(o, s->icmp_code);
		put_be16(o, 0);
		put_be16(o, s->icmp_id);
		put_be16(o, s->icmp_seq ? s->icmp_seq : 1);
		break;
	default: break;
	}
}

static uint32_t sum(const uint8_t *b, size_t len)
{
	uint32_t total = 0;

	for (size_t i = 0; i < len; i++)
		total += i % 2 ? b[i] : (uint32_t)b[i] << 8;
	return total;
}

static uint16_t fold(uint32_t total)
{
	while (total > 0xffff)
		total = (total & 0xffff) + (total >> 16);
	return (uint16_t)(0xffff - total);
}

uint32_t frame_crc32c(const uint8_t *b, size_t len)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < 8 * len; i++) {
		bool one = (crc ^ b[i / 8] >> i % 8) & 1;

		crc = crc >> 1 ^ (one ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static void set16(uint8_t *b, uint16_t v)
{
	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
}

static void fill_l4(uint8_t *l4, size_t len, const struct frame_spec *s)
{
	struct ip_addr saddr = ip_of(s->saddr), daddr = ip_of(s->daddr);
	uint32_t pseudo =
		sum(saddr.b, 16) + sum(daddr.b, 16) + s->proto + (uint32_t)len;
	uint32_t crc;

	switch (s->proto) {
	case PROTO_TCP: set16(l4 + 16, fold(sum(l4, len) + pseudo)); break;
	case PROTO_UDP: set16(l4 + 6, fold(sum(l4, len) + pseudo)); break;
	case PROTO_ICMPV6: set16(l4 + 2, fold(sum(l4, len) + pseudo)); break;
	case PROTO_ICMP: set16(l4 + 2, fold(sum(l4, len))); break;
	case PROTO_SCTP:
		crc = frame_crc32c(l4, len);
		for (int i = 0; i < 4; i++)
			l4[8 + i] = (uint8_t)(crc >> 8 * i);
		break;
	default: break;
	}
}

static void fill_checksums(uint8_t *l3, size_t len, const struct frame_spec *s)
{
	size_t l3_len = 40 + s->ext_len;

	if (ip_is_v4(ip_of(s->saddr))) {
		l3_len = 20 + s->options_len;
		set16(l3 + 10, fold(sum(l3, l3_len)));
	}
	if (!s->no_l4 && !s->frag)
		fill_l4(l3 + l3_len, len - l3_len, s);
}

size_t frame_make(uint8_t buf[static FRAME_SPEC_MAX],
		  const struct frame_spec *s)
{
	size_t l3_off;
	struct outbytes o = outbytes_of(buf, FRAME_SPEC_MAX);

	put_copy(&o, s->dst.b, 6);
	put_copy(&o, s->src.b, 6);
	for (size_t i = 0; i < ARRAY_LEN(s->tags) && s->tags[i]; i++) {
		put_be16(&o, ETHERTYPE_VLAN);
		put_be16(&o, s->tags[i]);
	}
	put_be16(&o, ip_is_v4(ip_of(s->saddr)) ? ETHERTYPE_IP4 : ETHERTYPE_IP6);
	l3_off = outbytes_len(&o);
	put_l3(&o, s, l4_header_len(s) + s->payload_len);
	if (!s->no_l4)
		put_l4(&o, s);
	if (s->payload)
		put_copy(&o, s->payload, s->payload_len);
	else
		put_zero(&o, s->payload_len);
	assert_false(o.full);
	fill_checksums(buf + l3_off, outbytes_len(&o) - l3_off, s);
	return outbytes_len(&o);
}

uint16_t frame_l3_sum(const struct packet *p)
{
	return fold(sum(p->frame.bytes.begin + p->l3_off,
			(size_t)(p->l4_off - p->l3_off)));
}

uint16_t frame_l4_sum(const struct packet *p)
{
	uint32_t total = sum(p->frame.bytes.begin + p->l4_off, p->l4_len);

	/* The mapped prefix of IPv4 is 0xffff: it adds nothing. */
	if (p->proto != PROTO_ICMP)
		total += sum(p->saddr.b, 16) + sum(p->daddr.b, 16) + p->proto +
			 p->l4_len;
	return fold(total);
}
