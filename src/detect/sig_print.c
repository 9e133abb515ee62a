/*
 * A signature as text, in the newer style (sticky buffers); it reads as the
 * same signature again.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "detect/sig_names.h"
#include "detect/sig_parse.h"
#include "wire/app.h"

struct to {
	char *at, *end;
	bool full;
	const struct signature *s;
};

static void put(struct to *to, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void put(struct to *to, const char *fmt, ...)
{
	size_t room = (size_t)(to->end - to->at);
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(to->at, room, fmt, ap);
	va_end(ap);
	if (to->full || n < 0 || (size_t)n >= room)
		to->full = true;
	else
		to->at += n;
}

static void put_number(struct to *to, struct sig_number n)
{
	if (n.variable)
		put(to, "%s", to->s->variables[n.variable - 1]);
	else
		put(to, "%" PRId32, n.value);
}

static void put_range(struct to *to, uint32_t lo, uint32_t hi, uint32_t max,
		      bool not )
{
	if (not )
		put(to, "!");
	if (lo == hi)
		put(to, "%" PRIu32, lo);
	else if (hi == max)
		put(to, ">=%" PRIu32, lo);
	else if (lo == 0)
		put(to, "<=%" PRIu32, hi);
	else
		put(to, "%" PRIu32 "<>%" PRIu32, lo - 1, hi + 1);
}

static void put_pattern(struct to *to, const struct sig_item *c)
{
	bool hex = false;

	for (unsigned i = 0; i < c->len; i++) {
		uint8_t b = c->bytes[i];
		bool plain = b > ' ' && b < 0x7f && !strchr("\"|\\;:", b);

		if (b == ' ' && !hex && i > 0 && i + 1 < c->len)
			plain = true;
		if (plain == hex)
			put(to, "|");
		else if (hex)
			put(to, " ");
		hex = !plain;
		if (plain)
			put(to, "%c", b);
		else
			put(to, "%02x", b);
	}
	if (hex)
		put(to, "|");
}

static void put_modifier(struct to *to, const char *name, bool has,
			 struct sig_number n)
{
	if (!has)
		return;
	put(to, " %s:", name);
	put_number(to, n);
	put(to, ";");
}

static void put_content(struct to *to, const struct sig_item *c)
{
	put(to, " content:%s\"", c->negated ? "!" : "");
	put_pattern(to, c);
	put(to, "\";%s%s%s%s", c->nocase ? " nocase;" : "",
	    c->rawbytes ? " rawbytes;" : "",
	    c->startswith ? " startswith;" : "",
	    c->endswith ? " endswith;" : "");
	if (c->fast == SIG_FAST_CHOP)
		put(to, " fast_pattern:%u,%u;", c->chop_offset, c->chop_len);
	else if (c->fast)
		put(to, " fast_pattern%s;",
		    c->fast == SIG_FAST_ONLY ? ":only" : "");
	put_modifier(to, "offset", c->has_offset, c->offset);
	put_modifier(to, "depth", c->has_depth, c->depth);
	put_modifier(to, "distance", c->has_distance, c->distance);
	put_modifier(to, "within", c->has_within, c->within);
}

static void put_byte_flags(struct to *to, const struct sig_item *item)
{
	const struct sig_byte *b = &item->byte;

	if (item->relative)
		put(to, ",relative");
	if (b->little)
		put(to, ",little");
	if (b->string)
		put(to, ",string,%s",
		    b->base == 16  ? "hex"
		    : b->base == 8 ? "oct"
				   : "dec");
	if (b->multiplier > 1)
		put(to, ",multiplier %" PRIu32, b->multiplier);
	if (b->align)
		put(to, ",align %u", b->align);
	if (b->from_beginning)
		put(to, ",from_beginning");
	if (b->from_end)
		put(to, ",from_end");
	if (b->post_offset)
		put(to, ",post_offset %" PRId32, b->post_offset);
	if (b->mask)
		put(to, ",bitmask 0x%" PRIx32, b->mask);
	put(to, ";");
}

static void put_byte_test(struct to *to, const struct sig_item *item)
{
	static const char *const compare[] = {
		[SIG_EQ] = "=",	 [SIG_LT] = "<",  [SIG_GT] = ">",
		[SIG_LE] = "<=", [SIG_GE] = ">=", [SIG_AND] = "&",
		[SIG_XOR] = "^",
	};
	const struct sig_byte *b = &item->byte;

	put(to, " byte_test:%u,%s%s,", b->n_bytes, b->not ? "!" : "",
	    compare[b->compare]);
	if (b->against_variable)
		put(to, "%s,", to->s->variables[b->against_variable - 1]);
	else
		put(to, "%" PRIu32 ",", b->against);
	put_number(to, item->offset);
	put_byte_flags(to, item);
}

static void put_item(struct to *to, const struct sig_item *item)
{
	switch (item->kind) {
	case SIG_CONTENT: put_content(to, item); break;
	case SIG_PCRE:
		put(to, " pcre:%s\"/%.*s/%s%s\";", item->negated ? "!" : "",
		    (int)item->len, (const char *)item->bytes, item->pcre_flags,
		    item->relative ? "R" : "");
		break;
	case SIG_BYTE_TEST: put_byte_test(to, item); break;
	case SIG_BYTE_JUMP:
	case SIG_BYTE_EXTRACT:
		put(to, " byte_%s:%u,",
		    item->kind == SIG_BYTE_JUMP ? "jump" : "extract",
		    item->byte.n_bytes);
		put_number(to, item->offset);
		if (item->kind == SIG_BYTE_EXTRACT)
			put(to, ",%s", to->s->variables[item->byte.to]);
		put_byte_flags(to, item);
		break;
	case SIG_ISDATAAT:
		put(to, " isdataat:%s", item->negated ? "!" : "");
		put_number(to, item->offset);
		put(to, "%s%s;", item->relative ? ",relative" : "",
		    item->rawbytes ? ",rawbytes" : "");
		break;
	case SIG_BSIZE:
		put(to, " bsize:");
		put_range(to, item->lo, item->hi, UINT32_MAX, item->negated);
		put(to, ";");
		break;
	default:
		put(to, " base64_decode:");
		if (item->lo)
			put(to, "bytes %" PRIu32 ",", item->lo);
		put(to, "offset %" PRId32 "%s;", item->offset.value,
		    item->relative ? ",relative" : "");
	}
}

static void put_group(struct to *to, const struct sig_group *g)
{
	if (g->buffer == SIG_BUFFER_NOTE) {
		put(to, " app-layer-event:%s;",
		    proto_note_name((enum proto_note)g->note));
		return;
	}
	put(to, " %s;", sig_buffer_name(g->buffer));
	for (unsigned i = 0; i < g->n_transforms; i++)
		put(to, " %s;",
		    sig_transform_name((enum sig_transform)g->transforms[i]));
	for (unsigned i = 0; i < g->n_items; i++)
		put_item(to, &g->items[i]);
	/* at the end, as other groups' contents are not about it */
	for (unsigned i = 0; i < g->n_items; i++) {
		if (g->items[i].n_after == 0)
			continue;
		put(to, " base64_data;");
		for (unsigned k = 0; k < g->items[i].n_after; k++)
			put_item(to, &g->items[i].after[k]);
	}
}

static void put_flags(struct to *to, uint32_t flags)
{
	static const char names[] = "FSRPAUEC";

	for (unsigned i = 0; i < 8; i++)
		if (flags >> i & 1)
			put(to, "%c", names[i]);
	if (flags == 0)
		put(to, "0");
}

static void put_header_test(struct to *to, const struct sig_header_test *t)
{
	static const char *const names[SIG_HEADER__MAX] = {
		[SIG_DSIZE] = "dsize",	     [SIG_TTL] = "ttl",
		[SIG_IP_PROTO] = "ip_proto", [SIG_ITYPE] = "itype",
		[SIG_ICODE] = "icode",	     [SIG_TCP_FLAGS] = "flags",
		[SIG_SAME_IP] = "sameip",
	};
	static const char *const how[] = { "", "+", "*", "!" };

	put(to, " %s", names[t->header]);
	if (t->header == SIG_TCP_FLAGS) {
		put(to, ":%s", how[t->compare]);
		put_flags(to, t->lo);
		if (t->hi) {
			put(to, ",");
			put_flags(to, t->hi);
		}
	} else if (t->header != SIG_SAME_IP) {
		put(to, ":");
		put_range(to, t->lo, t->hi,
			  t->header == SIG_DSIZE ? 65535 : 255, t->not );
	}
	put(to, ";");
}

static void put_flow(struct to *to, uint8_t flow)
{
	static const char *const names[] = {
		"to_server", "to_client",   "established", "not_established",
		"stateless", "only_stream", "no_stream",
	};
	const char *before = " flow:";

	for (unsigned i = 0; i < 7; i++) {
		if (!(flow >> i & 1))
			continue;
		put(to, "%s%s", before, names[i]);
		before = ",";
	}
	if (flow)
		put(to, ";");
}

static void put_rate(struct to *to, const struct sig_rate *rate)
{
	static const char *const kinds[] = { "", "limit", "threshold", "both" };
	static const char *const tracks[] = { "by_src", "by_dst", "by_rule",
					      "by_both" };

	if (rate->kind == SIG_RATE_NONE)
		return;
	if (rate->kind == SIG_RATE_DETECTION)
		put(to, " detection_filter:");
	else
		put(to, " threshold:type %s, ", kinds[rate->kind]);
	put(to, "track %s, count %" PRIu32 ", seconds %" PRIu32 ";",
	    tracks[rate->track], rate->count, rate->seconds);
}

static void put_bit(struct to *to, const struct sig_bit *bit)
{
	static const char *const verbs[] = { "set", "unset", "toggle", "isset",
					     "isnotset" };

	put(to, " flowbits:%s,", verbs[bit->verb]);
	for (unsigned i = 0; i < bit->n; i++)
		put(to, "%s%s", i ? "|" : "", bit->names[i]);
	put(to, ";");
}

static void put_msg(struct to *to, const char *msg)
{
	put(to, "(msg:\"");
	for (; *msg; msg++)
		put(to, "%s%c", strchr("\"\\;:", *msg) ? "\\" : "", *msg);
	put(to, "\";");
}

static void put_ids(struct to *to, const struct signature *s)
{
	if (s->classtype[0])
		put(to, " classtype:%s;", s->classtype);
	if (s->priority != sig_class_priority(s->classtype))
		put(to, " priority:%u;", s->priority);
	for (const struct sig_more *m = s->more; m; m = m->next)
		put(to, " %s:%s;", m->keyword, m->value);
	if (s->gid != 1)
		put(to, " gid:%" PRIu32 ";", s->gid);
	put(to, " sid:%" PRIu32 ";", s->sid);
	if (s->rev)
		put(to, " rev:%" PRIu32 ";", s->rev);
	put(to, ")");
}

/* The header test that the protocol's name stands for is not told twice. */
static unsigned told_by_header(const struct signature *s)
{
	return strcmp(s->protocol, "sctp") == 0;
}

bool sig_print(const struct signature *s, char *buf, size_t size)
{
	struct to to = { .at = buf, .end = buf + size, .s = s };

	put(&to, "%s %s %s %s %s %s %s ",
	    sig_action_name((enum sig_action)s->action), s->protocol,
	    s->from_text, s->from_ports_text, s->both_ways ? "<>" : "->",
	    s->to_text, s->to_ports_text);
	put_msg(&to, s->msg);
	put_flow(&to, s->flow);
	if (s->on_app)
		put(&to, " app-layer-protocol:%s%s;", s->not_app ? "!" : "",
		    app_name(s->on_app));
	for (unsigned i = told_by_header(s); i < s->n_headers; i++)
		put_header_test(&to, &s->headers[i]);
	for (unsigned i = 0; i < s->n_bits; i++)
		put_bit(&to, &s->bits[i]);
	if (s->noalert)
		put(&to, " noalert;");
	for (unsigned i = 0; i < s->n_groups; i++)
		put_group(&to, &s->groups[i]);
	put_rate(&to, &s->rate);
	put_rate(&to, &s->filter);
	put_ids(&to, s);
	return !to.full;
}
