/*
 * What of the first fragment's headers changes when it is made the header of
 * the whole (RFC 791 3.2, RFC 8200 4.5):
 *
 *   IPv4  total length, flags and offset 0, checksum
 *
 *   IPv6  [IPv6][.. next=44][fragment next=17 ..][content]
 *         [IPv6][.. next=17][content]     and the payload length
 *
 * The headers of the other fragments do not count.
 */
#include "packet/defrag_join.h"

#include "base/bug.h"
#include "packet/checksum.h"

#define IP4_TOTAL_LEN_OFF 2
#define IP4_FRAGMENT_OFF  6
#define IP4_CHECKSUM_OFF  10
#define IP6_LEN_OFF	  4
#define IP6_NEXT_OFF	  6
#define IP6_HEADER	  40
#define IP6_FRAG_HEADER	  8
#define NEXT_FRAGMENT	  44
#define NEXT_AUTH	  51
#define DATAGRAM_MAX	  65535

/* An IPv6 packet's fragment header, as offsets in its frame. */
struct frag_header {
	size_t named_at; /* the byte that says it comes next */
	size_t at;
};

/* The walk that packet_decode() has made, again: it was good then. */
static struct frag_header find_header(const struct packet *p)
{
	struct frag_header h = { .named_at = p->l3_off + IP6_NEXT_OFF,
				 .at = p->l3_off + IP6_HEADER };
	struct bytes at = p->frame.bytes;
	uint8_t kind, next, len;
	size_t size;

	BUG_ON(!take_skip(&at, h.named_at) || !take_u8(&at, &kind));
	BUG_ON(!take_skip(&at, IP6_HEADER - IP6_NEXT_OFF - 1));
	while (kind != NEXT_FRAGMENT) {
		BUG_ON(!take_u8(&at, &next) || !take_u8(&at, &len));
		size = kind == NEXT_AUTH ? (len + 2) * 4u : (len + 1) * 8u;
		BUG_ON(!take_skip(&at, size - 2));
		kind = next;
		h.named_at = h.at;
		h.at += size;
	}
	return h;
}

struct frag_piece frag_piece_of(const struct packet *p)
{
	size_t at = p->l4_off, end = p->l4_off + p->l4_len;
	size_t captured_end = bytes_len(p->frame.bytes);

	if (p->ip_version == 6)
		at = find_header(p).at + IP6_FRAG_HEADER;
	if (captured_end > end)
		captured_end = end; /* the rest is padding */
	return (struct frag_piece){
		.off = p->frag_off,
		.len = (uint16_t)(end - at),
		.content_at = (uint16_t)at,
		.captured = (uint16_t)(captured_end - at),
		.more = p->more_fragments,
	};
}

uint8_t frag_ecn(const struct packet *p)
{
	struct bytes at = p->frame.bytes;
	uint16_t word;

	BUG_ON(!take_skip(&at, p->l3_off) || !take_be16(&at, &word));
	/* IPv6: version, class, flow label begin with 4, 8, 20 bits. */
	return p->ip_version == 4 ? word & 3 : word >> 4 & 3;
}

static void set_be16(struct outbytes *out, size_t off, uint16_t v)
{
	struct outbytes field = outbytes_of(out->begin + off, 2);

	put_be16(&field, v);
}

static bool put_ip4(struct outbytes *out, const struct packet *first,
		    size_t content_len)
{
	size_t l3 = first->l3_off, l3_len = first->l4_off - l3;

	if (l3_len + content_len > DATAGRAM_MAX)
		return false;
	put_copy(out, first->frame.bytes.begin, first->l4_off);
	if (out->full)
		return false;
	set_be16(out, l3 + IP4_TOTAL_LEN_OFF, (uint16_t)(l3_len + content_len));
	set_be16(out, l3 + IP4_FRAGMENT_OFF, 0);
	set_be16(out, l3 + IP4_CHECKSUM_OFF, 0);
	set_be16(out, l3 + IP4_CHECKSUM_OFF,
		 checksum_fold(
			 checksum_add(0, bytes_of(out->begin + l3, l3_len))));
	return true;
}

static bool put_ip6(struct outbytes *out, const struct packet *first,
		    size_t content_len)
{
	struct frag_header h = find_header(first);
	const uint8_t *from = first->frame.bytes.begin;
	size_t len = h.at - first->l3_off - IP6_HEADER + content_len;

	if (len > DATAGRAM_MAX)
		return false;
	put_copy(out, from, h.at);
	if (out->full)
		return false;
	set_be16(out, first->l3_off + IP6_LEN_OFF, (uint16_t)len);
	out->begin[h.named_at] = from[h.at];
	return true;
}

bool frag_join(struct outbytes *out, const struct bytes *frames,
	       const struct frag_piece *pieces, unsigned n,
	       size_t *ret_wire_len)
{
	size_t content_len = frag_piece_end(&pieces[n - 1]);
	struct packet first;
	size_t wire_len;
	bool fits;

	BUG_ON(packet_decode(&first,
			     (struct frame){
				     .bytes = frames[0],
				     .wire_len = (size_t)pieces[0].content_at +
						 pieces[0].len,
			     }) != PACKET_OK);
	fits = first.ip_version == 4 ? put_ip4(out, &first, content_len)
				     : put_ip6(out, &first, content_len);
	if (!fits)
		return false;
	wire_len = outbytes_len(out) + content_len;
	for (unsigned i = 0; i < n; i++) {
		put_copy(out, frames[i].begin + pieces[i].content_at,
			 pieces[i].captured);
		if (pieces[i].captured < pieces[i].len)
			break;
	}
	if (out->full)
		return false;
	*ret_wire_len = wire_len;
	return true;
}
