/*
 * A tunnel is taken off in three steps: which kind is it (protocol or port),
 * its own header, and what that says stands behind it. From there on decoding
 * is that of any frame: packet_decode() behind an Ethernet header, decode_l3()
 * where there is none.
 *
 * What receivers refuse is refused, since a packet in it never arrives: GRE
 * with routing (RFC 2784 drops it) or a wrong checksum, VXLAN without a valid
 * VNI, Geneve of another version. GRE version 1 (PPTP) is no tunnel of ours: it
 * carries PPP.
 *
 * The inner packet gets the end that the outer one has, so it cannot be longer
 * than what carries it, and inherits what is known of an unfilled checksum if
 * that begins within it.
 */
#include "packet/tunnel.h"

#include "base/unset.h"
#include "packet/checksum.h"
#include "packet/decode.h"

#define ETHERTYPE_ETHERNET 0x6558 /* Ethernet itself, as GRE's payload */

#define GRE_CSUM    0x8000
#define GRE_ROUTING 0x4000
#define GRE_KEY	    0x2000
#define GRE_SEQ	    0x1000
#define GRE_VERSION 0x0007

#define VXLAN_HAS_VNI 0x08000000

#define GENEVE_VERSION	   0xc0
#define GENEVE_OPTIONS_LEN 0x3f /* words of 4 bytes */
#define GENEVE_CONTROL	   0x80

/* What a tunnel's header says of what is behind it. */
struct cargo {
	uint16_t ethertype;
	uint32_t id;
};

struct tunnel_options tunnel_options_off(void)
{
	return (struct tunnel_options){
		.vxlan = { .n = 2, .port = { 4789, 8472 } },
		.geneve = { .n = 1, .port = { 6081 } },
	};
}

struct tunnel_options tunnel_options_all(void)
{
	struct tunnel_options o = tunnel_options_off();

	for (int k = TUNNEL_KIND_NONE + 1; k < TUNNEL_KIND__MAX; k++)
		o.look[k] = true;
	return o;
}

/* --- which kind ---------------------------------------------------------- */

static bool is_one_of(const struct tunnel_ports *ports, uint16_t port)
{
	for (unsigned i = 0; i < ports->n; i++)
		if (ports->port[i] == port)
			return true;
	return false;
}

static enum tunnel_kind kind_of(const struct packet *p,
				const struct tunnel_options *opt)
{
	bool v4 = p->ip_version == 4;

	switch (p->proto) {
	case PROTO_IPIP: return v4 ? TUNNEL_KIND_IPIP : TUNNEL_KIND_4IN6;
	case PROTO_IP6: return v4 ? TUNNEL_KIND_6IN4 : TUNNEL_KIND_IP6IP6;
	case PROTO_GRE: return TUNNEL_KIND_GRE;
	case PROTO_UDP:
		if (is_one_of(&opt->vxlan, p->dport))
			return TUNNEL_KIND_VXLAN;
		if (is_one_of(&opt->geneve, p->dport))
			return TUNNEL_KIND_GENEVE;
		return TUNNEL_KIND_NONE;
	default: return TUNNEL_KIND_NONE;
	}
}

/* --- headers ------------------------------------------------------------- */

/* Too few bytes: of the packet, or only of what was captured of it? */
static enum tunnel_outcome cut_short(const struct packet *outer)
{
	return bytes_len(outer->payload) < outer->payload_len
		       ? TUNNEL_INCOMPLETE
		       : TUNNEL_MALFORMED;
}

/* RFC 2784 2.5: over header and payload. */
static bool gre_csum_ok(const struct packet *outer)
{
	uint32_t sum;

	/* Too little was captured: nothing speaks against it. */
	if (bytes_len(outer->payload) < outer->l4_len)
		return true;
	return checksum_will_be(&outer->frame, outer->l4_off, outer->l4_len,
				&sum) &&
	       checksum_fold(sum) == 0;
}

static enum tunnel_outcome take_gre(const struct packet *outer,
				    struct bytes *at, struct cargo *c)
{
	uint16_t flags;

	if (!take_be16(at, &flags) || !take_be16(at, &c->ethertype))
		return cut_short(outer);
	if ((flags & GRE_VERSION) == 1)
		return TUNNEL_NONE;
	if (flags & (GRE_VERSION | GRE_ROUTING))
		return TUNNEL_MALFORMED;
	if ((flags & GRE_CSUM) && !take_skip(at, 4))
		return cut_short(outer);
	if ((flags & GRE_KEY) && !take_be32(at, &c->id))
		return cut_short(outer);
	if ((flags & GRE_SEQ) && !take_skip(at, 4))
		return cut_short(outer);
	if ((flags & GRE_CSUM) && !gre_csum_ok(outer))
		return TUNNEL_MALFORMED;
	return TUNNEL_INNER;
}

static enum tunnel_outcome take_vxlan(const struct packet *outer,
				      struct bytes *at, struct cargo *c)
{
	uint32_t flags;

	if (!take_be32(at, &flags) || !take_be32(at, &c->id))
		return cut_short(outer);
	if (!(flags & VXLAN_HAS_VNI))
		return TUNNEL_MALFORMED;
	c->ethertype = ETHERTYPE_ETHERNET;
	c->id >>= 8;
	return TUNNEL_INNER;
}

static enum tunnel_outcome take_geneve(const struct packet *outer,
				       struct bytes *at, struct cargo *c)
{
	uint8_t version_len, flags;

	if (!take_u8(at, &version_len) || !take_u8(at, &flags) ||
	    !take_be16(at, &c->ethertype) || !take_be32(at, &c->id) ||
	    !take_skip(at, (size_t)(version_len & GENEVE_OPTIONS_LEN) * 4))
		return cut_short(outer);
	if (version_len & GENEVE_VERSION)
		return TUNNEL_MALFORMED;
	c->id >>= 8;
	return flags & GENEVE_CONTROL ? TUNNEL_NOT_IP : TUNNEL_INNER;
}

static enum tunnel_outcome take_header(const struct packet *outer,
				       enum tunnel_kind kind, struct bytes *at,
				       struct cargo *c)
{
	switch (kind) {
	case TUNNEL_KIND_IPIP:
	case TUNNEL_KIND_4IN6:
		c->ethertype = ETHERTYPE_IP4;
		return TUNNEL_INNER;
	case TUNNEL_KIND_6IN4:
	case TUNNEL_KIND_IP6IP6:
		c->ethertype = ETHERTYPE_IP6;
		return TUNNEL_INNER;
	case TUNNEL_KIND_GRE: return take_gre(outer, at, c);
	case TUNNEL_KIND_VXLAN: return take_vxlan(outer, at, c);
	case TUNNEL_KIND_GENEVE: return take_geneve(outer, at, c);
	case TUNNEL_KIND_NONE:
	case TUNNEL_KIND__MAX: break;
	}
	return TUNNEL_NONE;
}

/* --- what is inside ------------------------------------------------------ */

/* at: what is behind the tunnel's header; off: where that is in outer. */
static struct frame frame_of(const struct packet *outer, struct bytes at,
			     size_t off)
{
	const struct frame_csum *c = &outer->frame.csum;
	size_t header_len = (size_t)(at.begin - outer->payload.begin);
	struct frame f = {
		.bytes = at,
		.wire_len = outer->payload_len - header_len,
		.too_long = outer->frame.too_long,
		.port = outer->frame.port,
	};

	if (c->state == FRAME_CSUM_CAPTURED) {
		f.csum = *c;
	} else if (c->state == FRAME_CSUM_UNFILLED && c->start >= off) {
		f.csum = *c;
		f.csum.start = (uint16_t)(c->start - off);
	}
	return f;
}

/* Of another ethertype than IP, behind no Ethernet header: NOT_IP. */
static enum packet_outcome decode_cargo(const struct packet *outer,
					struct frame f, uint16_t ethertype,
					struct packet *p)
{
	if (ethertype == ETHERTYPE_ETHERNET)
		return packet_decode(p, f);
	*p = (struct packet){
		.frame = f,
		.payload = f.bytes,
		.dst = outer->dst,
		.src = outer->src,
		.ethertype = ethertype,
		.vlans = outer->vlans,
		.n_tags = outer->n_tags,
	};
	return decode_l3(p, &p->payload);
}

enum tunnel_outcome packet_inner(const struct packet *outer,
				 const struct tunnel_options *opt,
				 struct packet *ret,
				 enum packet_outcome *ret_inner)
{
	enum tunnel_kind kind = kind_of(outer, opt);
	struct bytes at = outer->payload;
	enum tunnel_outcome outcome;
	enum packet_outcome inner;
	struct cargo cargo;
	UNSET struct packet p;
	struct frame f;

	if (!opt->look[kind])
		return TUNNEL_NONE;
	cargo = (struct cargo){ 0 };
	if (outer->is_fragment)
		return TUNNEL_INCOMPLETE;
	outcome = take_header(outer, kind, &at, &cargo);
	if (outcome != TUNNEL_INNER)
		return outcome;
	if (outer->depth == TUNNEL_DEPTH_MAX)
		return TUNNEL_DEPTH;
	f = frame_of(outer, at, (size_t)(at.begin - outer->frame.bytes.begin));
	inner = decode_cargo(outer, f, cargo.ethertype, &p);
	if (inner == PACKET_NOT_IP)
		return TUNNEL_NOT_IP;
	if (inner != PACKET_OK && bytes_len(f.bytes) < f.wire_len)
		return TUNNEL_INCOMPLETE;
	*ret_inner = inner;
	if (inner != PACKET_OK)
		return TUNNEL_INNER_MALFORMED;
	p.depth = (uint8_t)(outer->depth + 1);
	p.tunnel = (uint8_t)kind;
	p.tunnel_id = cargo.id;
	*ret = p;
	return TUNNEL_INNER;
}

/* --- names --------------------------------------------------------------- */

bool tunnel_is_looked_for(const struct tunnel_options *opt, uint16_t port)
{
	return (opt->look[TUNNEL_KIND_VXLAN] && is_one_of(&opt->vxlan, port)) ||
	       (opt->look[TUNNEL_KIND_GENEVE] && is_one_of(&opt->geneve, port));
}

const char *tunnel_kind_name(enum tunnel_kind k)
{
	static const char *const names[] = {
		[TUNNEL_KIND_NONE] = "none",
		[TUNNEL_KIND_IPIP] = "ipip",
		[TUNNEL_KIND_6IN4] = "6in4",
		[TUNNEL_KIND_4IN6] = "4in6",
		[TUNNEL_KIND_IP6IP6] = "ip6ip6",
		[TUNNEL_KIND_GRE] = "gre",
		[TUNNEL_KIND_VXLAN] = "vxlan",
		[TUNNEL_KIND_GENEVE] = "geneve",
	};

	_Static_assert(sizeof names / sizeof names[0] == TUNNEL_KIND__MAX,
		       "one name each");
	return (unsigned)k < TUNNEL_KIND__MAX ? names[k] : "?";
}

const char *tunnel_outcome_name(enum tunnel_outcome o)
{
	static const char *const names[] = {
		[TUNNEL_INNER] = "inner",
		[TUNNEL_NONE] = "none",
		[TUNNEL_INCOMPLETE] = "incomplete",
		[TUNNEL_NOT_IP] = "not ip",
		[TUNNEL_MALFORMED] = "malformed",
		[TUNNEL_INNER_MALFORMED] = "inner malformed",
		[TUNNEL_DEPTH] = "depth",
	};

	_Static_assert(sizeof names / sizeof names[0] == TUNNEL__MAX,
		       "one name each");
	return (unsigned)o < TUNNEL__MAX ? names[o] : "?";
}
