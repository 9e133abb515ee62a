/*
 * The keywords, one line each in a table, and the readers of those that are not
 * about a buffer's bytes. docs/rules.md shows the table (a test compares).
 */
#include <stdlib.h>
#include <string.h>

#include "detect/sig_names.h"
#include "detect/sig_parse.h"
#include "detect/sig_read.h"
#include "packet/packet.h"

static bool keep_text(struct sig_reader *r, const char *text, const char **ret)
{
	*ret = sig_keep(r, text, strlen(text));
	return *ret != NULL;
}

static bool read_msg(struct sig_reader *r, char *value)
{
	char *text, *to;
	bool not ;

	if (!sig_unquote(r, value, &not, &text) || not )
		return sig_refuse(r, "\"text\" in quotes expected");
	to = text;
	for (const char *c = text; *c; c++) {
		if (*c == '\\' && c[1] && strchr("\"\\;:", c[1]))
			c++;
		*to++ = *c;
	}
	*to = 0;
	return keep_text(r, text, &r->s->msg);
}

static bool read_id(struct sig_reader *r, const char *value, uint32_t *ret)
{
	int64_t n;

	if (!sig_read_number(value, 0, UINT32_MAX, &n))
		return sig_refuse(r, "a number expected");
	*ret = (uint32_t)n;
	return true;
}

static bool read_sid(struct sig_reader *r, char *value)
{
	r->has_sid = true;
	return read_id(r, value, &r->s->sid) &&
	       (r->s->sid != 0 || sig_refuse(r, "it is from 1 on"));
}

static bool read_gid(struct sig_reader *r, char *value)
{
	return read_id(r, value, &r->s->gid);
}

static bool read_rev(struct sig_reader *r, char *value)
{
	return read_id(r, value, &r->s->rev);
}

static bool read_priority(struct sig_reader *r, char *value)
{
	int64_t n;

	if (!sig_read_number(value, 1, 255, &n))
		return sig_refuse(r, "1..255 expected");
	r->s->priority = (uint8_t)n;
	return true;
}

static bool read_classtype(struct sig_reader *r, char *value)
{
	return keep_text(r, value, &r->s->classtype);
}

static bool read_more(struct sig_reader *r, char *value)
{
	struct sig_more **at = &r->s->more, *m;

	m = arena_alloc(r->arena, sizeof *m);
	r->no_memory |= !m;
	if (!m)
		return false;
	while (*at)
		at = &(*at)->next;
	*at = m;
	return keep_text(r, r->keyword, &m->keyword) &&
	       keep_text(r, value, &m->value);
}

static bool read_target(struct sig_reader *r, char *value)
{
	if (strcmp(value, "src_ip") != 0 && strcmp(value, "dest_ip") != 0)
		return sig_refuse(r, "src_ip or dest_ip expected");
	return read_more(r, value);
}

static bool read_noalert(struct sig_reader *r, char *value)
{
	r->s->noalert = true;
	return true;
}

static bool read_flow(struct sig_reader *r, char *value)
{
	static const struct {
		const char *name;
		uint8_t bits;
	} words[] = {
		{ "to_server", SIG_FLOW_TO_SERVER },
		{ "from_client", SIG_FLOW_TO_SERVER },
		{ "to_client", SIG_FLOW_TO_CLIENT },
		{ "from_server", SIG_FLOW_TO_CLIENT },
		{ "established", SIG_FLOW_ESTABLISHED },
		{ "not_established", SIG_FLOW_NOT_EST },
		{ "stateless", SIG_FLOW_STATELESS },
		{ "only_stream", SIG_FLOW_ONLY_STREAM },
		{ "no_stream", SIG_FLOW_NO_STREAM },
	};
	const uint8_t pairs[] = { SIG_FLOW_TO_SERVER | SIG_FLOW_TO_CLIENT,
				  SIG_FLOW_ESTABLISHED | SIG_FLOW_NOT_EST,
				  SIG_FLOW_ESTABLISHED | SIG_FLOW_STATELESS,
				  SIG_FLOW_ONLY_STREAM | SIG_FLOW_NO_STREAM };
	char *word;

	while ((word = sig_next_word(&value))) {
		size_t i = 0, n = sizeof words / sizeof *words;

		while (i < n && strcmp(words[i].name, word) != 0)
			i++;
		if (i == n)
			return sig_refuse(r, "no word \"%s\" here", word);
		r->s->flow |= words[i].bits;
	}
	for (size_t i = 0; i < sizeof pairs; i++)
		if ((r->s->flow & pairs[i]) == pairs[i])
			return sig_refuse(r, "two of these exclude each "
					     "other");
	return true;
}

static struct sig_header_test *add_header(struct sig_reader *r,
					  enum sig_header h)
{
	struct sig_header_test *t;

	if (r->s->n_headers == SIG_HEADERS_MAX) {
		(void)sig_refuse(r, "more than %d of these", SIG_HEADERS_MAX);
		return NULL;
	}
	t = &r->headers[r->s->n_headers++];
	*t = (struct sig_header_test){ .header = (uint8_t)h };
	return t;
}

static bool read_header_range(struct sig_reader *r, char *value,
			      enum sig_header h, uint32_t max)
{
	struct sig_header_test *t = add_header(r, h);

	return t && sig_read_range(r, value, max, &t->lo, &t->hi, &t->not );
}

static bool read_dsize(struct sig_reader *r, char *value)
{
	return read_header_range(r, value, SIG_DSIZE, 65535);
}

static bool read_ttl(struct sig_reader *r, char *value)
{
	return read_header_range(r, value, SIG_TTL, 255);
}

static bool read_itype(struct sig_reader *r, char *value)
{
	return read_header_range(r, value, SIG_ITYPE, 255);
}

static bool read_icode(struct sig_reader *r, char *value)
{
	return read_header_range(r, value, SIG_ICODE, 255);
}

static bool read_ip_proto(struct sig_reader *r, char *value)
{
	static const struct {
		const char *name;
		uint8_t number;
	} names[] = { { "tcp", PROTO_TCP },   { "udp", PROTO_UDP },
		      { "icmp", PROTO_ICMP }, { "gre", PROTO_GRE },
		      { "sctp", PROTO_SCTP }, { "icmpv6", PROTO_ICMPV6 },
		      { "ipip", PROTO_IPIP }, { "igmp", 2 },
		      { "esp", 50 },	      { "ah", 51 } };
	struct sig_header_test *t;
	bool not = *value == '!';

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strcmp(names[i].name, value + not ) != 0)
			continue;
		t = add_header(r, SIG_IP_PROTO);
		if (!t)
			return false;
		t->not = not ;
		t->lo = t->hi = names[i].number;
		return true;
	}
	return read_header_range(r, value, SIG_IP_PROTO, 255);
}

static bool read_sameip(struct sig_reader *r, char *value)
{
	return add_header(r, SIG_SAME_IP) != NULL;
}

/* "SF12": *ret; false: another letter. */
static bool tcp_flags(const char *letters, uint32_t *ret)
{
	static const char names[] = "FSRPAUEC";
	uint32_t flags = 0;

	for (; *letters; letters++) {
		const char *at;
		char c = *letters;

		if (c == '0')
			continue;
		if (c == '2')
			c = 'E';
		else if (c == '1')
			c = 'C';
		at = strchr(names, c);
		if (!at)
			return false;
		flags |= 1u << (at - names);
	}
	*ret = flags;
	return true;
}

static bool read_flags(struct sig_reader *r, char *value)
{
	struct sig_header_test *t = add_header(r, SIG_TCP_FLAGS);
	const char *flags = sig_next_word(&value);
	const char *ignored = sig_next_word(&value);
	static const char hows[] = "+*!";
	const char *how;

	if (!t || !flags)
		return sig_refuse(r, "letters of FSRPAUEC expected");
	how = strchr(hows, *flags);
	t->compare = SIG_FLAGS_EXACT;
	if (how && *how) {
		t->compare = (uint8_t)(SIG_FLAGS_ALL + (how - hows));
		flags++;
	}
	return (tcp_flags(flags, &t->lo) &&
		(!ignored || tcp_flags(ignored, &t->hi)) &&
		!sig_next_word(&value)) ||
	       sig_refuse(r, "letters of FSRPAUEC expected");
}

static bool read_bit_names(struct sig_reader *r, char *word,
			   struct sig_bit *bit)
{
	const char *names[16];
	unsigned n = 0;
	char *rest = word;

	while (rest) {
		char *bar = strchr(rest, '|');

		if (bar)
			*bar = 0;
		rest = sig_trim(rest);
		if (!*rest || strlen(rest) > 255 || n == 16)
			return sig_refuse(r, "1 to 16 names expected");
		names[n] = sig_keep(r, rest, strlen(rest));
		if (!names[n++])
			return false;
		rest = bar ? bar + 1 : NULL;
	}
	if (n > 1 && bit->verb != SIG_BIT_ISSET)
		return sig_refuse(r, "several names only with isset");
	bit->names = arena_alloc(r->arena, n * sizeof *bit->names);
	r->no_memory |= !bit->names;
	if (!bit->names)
		return false;
	memcpy(bit->names, names, n * sizeof *names);
	bit->n = (uint8_t)n;
	return true;
}

static bool read_flowbits(struct sig_reader *r, char *value)
{
	static const char *const verbs[] = {
		[SIG_BIT_SET] = "set",		 [SIG_BIT_UNSET] = "unset",
		[SIG_BIT_TOGGLE] = "toggle",	 [SIG_BIT_ISSET] = "isset",
		[SIG_BIT_ISNOTSET] = "isnotset",
	};
	const char *verb = sig_next_word(&value);
	char *name = sig_next_word(&value);
	struct sig_bit *bit;
	unsigned i = 0;

	if (verb && strcmp(verb, "noalert") == 0 && !name)
		return read_noalert(r, NULL);
	while (verb && i <= SIG_BIT_ISNOTSET && strcmp(verbs[i], verb) != 0)
		i++;
	if (!verb || i > SIG_BIT_ISNOTSET || !name || sig_next_word(&value))
		return sig_refuse(r, "set, unset, toggle, isset, isnotset and "
				     "a name, or noalert, expected");
	if (r->s->n_bits == SIG_BITS_MAX)
		return sig_refuse(r, "more than %d of these", SIG_BITS_MAX);
	bit = &r->bits[r->s->n_bits++];
	*bit = (struct sig_bit){ .verb = (uint8_t)i };
	return read_bit_names(r, name, bit);
}

static int index_of(const char *const *names, unsigned n, const char *word)
{
	for (unsigned i = 0; word && i < n; i++)
		if (names[i] && strcmp(names[i], word) == 0)
			return (int)i;
	return -1;
}

/* "type limit, track by_src, count 1, seconds 60" */
static bool read_rate(struct sig_reader *r, char *value, struct sig_rate *rate)
{
	static const char *const kinds[] = { NULL, "limit", "threshold",
					     "both" };
	static const char *const tracks[] = { "by_src", "by_dst", "by_rule",
					      "by_both" };
	int track = -1, kind = -1;
	int64_t count = 0, seconds = 0;
	char *word;

	while ((word = sig_next_word(&value))) {
		char *blank = strpbrk(word, " \t"), *what;

		if (!blank)
			return sig_refuse(r, "no \"%s\" here", word);
		*blank = 0;
		what = sig_trim(blank + 1);
		if (strcmp(word, "type") == 0)
			kind = index_of(kinds, 4, what);
		else if (strcmp(word, "track") == 0)
			track = index_of(tracks, 4, what);
		else if (strcmp(word, "count") == 0)
			(void)sig_read_number(what, 1, UINT32_MAX, &count);
		else if (strcmp(word, "seconds") == 0)
			(void)sig_read_number(what, 1, 86400L * 30, &seconds);
		else
			return sig_refuse(r, "no \"%s\" here", word);
	}
	if (track < 0 || count == 0 || seconds == 0 ||
	    (kind < 0) == (rate->kind != SIG_RATE_DETECTION))
		return sig_refuse(r, "track, count and seconds expected%s",
				  rate->kind == SIG_RATE_DETECTION
					  ? ""
					  : ", and type limit, threshold or "
					    "both");
	rate->track = (uint8_t)track;
	rate->count = (uint32_t)count;
	rate->seconds = (uint32_t)seconds;
	if (kind >= 0)
		rate->kind = (uint8_t)kind;
	return true;
}

static bool read_threshold(struct sig_reader *r, char *value)
{
	return read_rate(r, value, &r->s->rate);
}

static bool read_detection_filter(struct sig_reader *r, char *value)
{
	r->s->filter.kind = SIG_RATE_DETECTION;
	return read_rate(r, value, &r->s->filter);
}

static bool read_app_protocol(struct sig_reader *r, char *value)
{
	r->s->not_app = *value == '!';
	r->s->on_app = sig_app_by_name(value + r->s->not_app);
	return r->s->on_app != 0 ||
	       sig_refuse(r, "no application \"%s\" here", value);
}

static bool read_app_event(struct sig_reader *r, char *value)
{
	enum proto_note note = proto_note_by_name(value);
	unsigned i = r->s->n_groups;

	if (note == NOTE__MAX)
		return sig_refuse(r, "no event \"%s\" here", value);
	if (i == SIG_GROUPS_MAX)
		return sig_refuse(r, "more than %d buffers", SIG_GROUPS_MAX);
	r->groups[i] = (struct sig_group){ .buffer = SIG_BUFFER_NOTE,
					   .note = (uint8_t)note };
	r->s->n_groups++;
	return true;
}

/* urilen:5<>10,raw */
static bool read_urilen(struct sig_reader *r, char *value)
{
	char *range = sig_next_word(&value);
	const char *which = sig_next_word(&value);
	bool raw = which && strcmp(which, "raw") == 0;
	struct sig_item *item;

	if (!range || (which && !raw && strcmp(which, "norm") != 0))
		return sig_refuse(r, "a range, and raw or norm, expected");
	item = sig_add_item_to(r, raw ? FIELD_HTTP_URI_RAW : FIELD_HTTP_URI,
			       SIG_BSIZE);
	return item && sig_read_range(r, range, UINT32_MAX, &item->lo,
				      &item->hi, &item->negated);
}

enum value { NONE, WANTED, MAYBE };

struct keyword {
	const char *name;
	uint8_t value; /* enum value */
	bool (*read)(struct sig_reader *r, char *value);
	const char *text, *differs;
};

/* limits: table */
static const struct keyword keywords[] = {
	{ "msg", WANTED, read_msg, "what is told when it matches", "" },
	{ "sid", WANTED, read_sid,
	  "the rule's number, 1 or more; must be there, and once",
	  "of two rules with one number the second is refused, whatever its "
	  "rev" },
	{ "gid", WANTED, read_gid, "group of numbers; 1 if not said", "" },
	{ "rev", WANTED, read_rev, "revision of the rule", "" },
	{ "classtype", WANTED, read_classtype,
	  "what sort of thing it is; gives a priority",
	  "the known ones are built in; others have priority 3" },
	{ "priority", WANTED, read_priority, "1 (worst) to 255", "" },
	{ "reference", WANTED, read_more, "kept, and told", "" },
	{ "metadata", WANTED, read_more, "kept, and told", "" },
	{ "target", WANTED, read_target, "src_ip or dest_ip; kept, and told",
	  "" },
	{ "noalert", NONE, read_noalert, "nothing is told when it matches",
	  "" },
	{ "flow", WANTED, read_flow,
	  "to_server, from_client, to_client, from_server, established, "
	  "not_established, "
	  "stateless, only_stream, no_stream",
	  "fields are only told of what is established; not_established is of "
	  "packets" },
	{ "flowbits", WANTED, read_flowbits,
	  "set, unset, toggle, isset (a|b: one of them), isnotset; noalert",
	  "a connection remembers 16 of them" },
	{ "threshold", WANTED, read_threshold,
	  "type limit, threshold, both; track by_src, by_dst, by_rule, "
	  "by_both; count; seconds",
	  "" },
	{ "detection_filter", WANTED, read_detection_filter,
	  "track, count, seconds: it matches from then on", "" },
	{ "app-layer-protocol", WANTED, read_app_protocol,
	  "what is spoken is (!: is not) that", "our names" },
	{ "app-layer-event", WANTED, read_app_event,
	  "a parser has noticed that", "our names, see below" },
	{ "ip_proto", WANTED, read_ip_proto,
	  "number or name of the protocol in IP; <, >, !", "" },
	{ "ttl", WANTED, read_ttl, "time to live, or hop limit", "" },
	{ "itype", WANTED, read_itype, "type of ICMP, ICMPv6", "" },
	{ "icode", WANTED, read_icode, "code of ICMP, ICMPv6", "" },
	{ "sameip", NONE, read_sameip, "source and destination are the same",
	  "" },
	{ "flags", WANTED, read_flags,
	  "TCP's: FSRPAUEC, with + * ! before them; behind a comma: not looked "
	  "at",
	  "" },
	{ "dsize", WANTED, read_dsize,
	  "length of a packet's payload: N, <N, >N, N<>M, !N",
	  "of a GSO frame, as it is seen here, the payload is up to 64 KiB" },
	{ "content", WANTED, sig_read_content,
	  "these bytes, |0d 0a| in hexadecimal; !: not there",
	  "at most 1,024 bytes" },
	{ "nocase", NONE, sig_read_nocase, "in any case (ASCII)", "" },
	{ "rawbytes", NONE, sig_read_rawbytes, "kept",
	  "means nothing, as there" },
	{ "offset", WANTED, sig_read_offset, "not before that byte", "" },
	{ "depth", WANTED, sig_read_depth,
	  "within so many bytes from offset on", "" },
	{ "distance", WANTED, sig_read_distance,
	  "so many bytes behind the last match, or more", "" },
	{ "within", WANTED, sig_read_within,
	  "ends within so many bytes behind the last match (and distance)",
	  "" },
	{ "startswith", NONE, sig_read_startswith, "the buffer begins with it",
	  "" },
	{ "endswith", NONE, sig_read_endswith, "the buffer ends with it",
	  "may have a depth" },
	{ "fast_pattern", MAYBE, sig_read_fast_pattern,
	  "this content is searched for first; only, offset,length",
	  "only: it is confirmed all the same; the first 32 bytes of it are "
	  "searched for" },
	{ "isdataat", WANTED, sig_read_isdataat,
	  "there is (!: is not) a byte so far on; relative", "" },
	{ "bsize", WANTED, sig_read_bsize,
	  "length of the buffer: N, <N, >N, N<>M, !N", "" },
	{ "urilen", WANTED, read_urilen,
	  "length of http.uri; raw: of http.uri.raw",
	  "norm is what is meant if nothing is said" },
	{ "pcre", WANTED, sig_read_pcre,
	  "/expression/ with flags i s m x A E G R, and buffers U I P Q H M C "
	  "S Y V W",
	  "B and O mean nothing; D, K, Z and what is captured to variables are "
	  "refused" },
	{ "byte_test", WANTED, sig_read_byte_test,
	  "a number in the buffer is compared: bytes, = < > <= >= & ^ (!), "
	  "value, offset; relative, little, "
	  "string hex dec oct, bitmask",
	  "no dce" },
	{ "byte_jump", WANTED, sig_read_byte_jump,
	  "goes on so far: bytes, offset; relative, multiplier, little, "
	  "string, align, from_beginning, from_end, "
	  "post_offset, bitmask",
	  "no dce" },
	{ "byte_extract", WANTED, sig_read_byte_extract,
	  "a number for offset, depth, distance, within, isdataat, byte_test, "
	  "byte_jump: bytes, offset, name; "
	  "relative, multiplier, little, string, align, bitmask",
	  "no dce; the name is known in the same buffer" },
	{ "base64_decode", MAYBE, sig_read_base64_decode,
	  "bytes, offset, relative: decodes from there on",
	  "at most 4,096 bytes of the result" },
	{ "base64_data", NONE, sig_read_base64_data,
	  "what follows is about what base64_decode made", "" },
};

bool sig_keyword_at(unsigned i, struct sig_keyword_text *ret)
{
	if (i >= sizeof keywords / sizeof *keywords)
		return false;
	ret->name = keywords[i].name;
	ret->text = keywords[i].text;
	ret->differs = keywords[i].differs;
	return true;
}

/* tls.version:1.2, as a sticky buffer with a value: it is exactly that. */
static bool read_exact(struct sig_reader *r, unsigned buffer, char *value)
{
	struct sig_item *item = sig_add_item_to(r, buffer, SIG_CONTENT);
	size_t len = strlen(value);

	if (!item)
		return false;
	if (len >= 2 && *value == '"' && value[len - 1] == '"') {
		value[len - 1] = 0;
		value++;
	}
	item->len = (uint16_t)strlen(value);
	item->startswith = item->endswith = true;
	item->bytes = (uint8_t *)sig_keep(r, value, item->len);
	if (item->len == 0 || item->len > SIG_CONTENT_MAX)
		return sig_refuse(r, "1 to %d bytes expected", SIG_CONTENT_MAX);
	return item->bytes != NULL;
}

static bool read_name(struct sig_reader *r, const char *name, char *value)
{
	enum sig_transform t = sig_transform_by_name(name);
	unsigned buffer;
	bool modifier;

	if (t != SIG_TRANSFORM__MAX)
		return value ? sig_refuse(r, "it takes no value")
			     : sig_read_transform(r, t);
	buffer = sig_buffer_by_name(name, &modifier);
	if (buffer == SIG_BUFFER__MAX)
		return sig_refuse(r, "not understood");
	if (value && buffer == FIELD_TLS_VERSION)
		return read_exact(r, buffer, value);
	return value ? sig_refuse(r, "it takes no value")
		     : sig_read_buffer(r, buffer, modifier);
}

bool sig_read_option(struct sig_reader *r, char *name, char *value)
{
	for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
		const struct keyword *k = &keywords[i];

		if (strcmp(k->name, name) != 0)
			continue;
		if (k->value == NONE && value)
			return sig_refuse(r, "it takes no value");
		if (k->value == WANTED && (!value || !*value))
			return sig_refuse(r, "it wants a value");
		if (value && !*value)
			value = NULL;
		return k->read(r, value);
	}
	return read_name(r, name, value);
}

/* Bits 1 client, 2 server: who can say what the group is about. */
static unsigned sides_of(const struct sig_group *g)
{
	char side = sig_buffer_side(g->buffer);

	return side == 'C' ? 1 : side == 'S' ? 2 : 3;
}

static bool check_sides(struct sig_reader *r)
{
	unsigned sides = r->s->flow & SIG_FLOW_TO_SERVER   ? 1
			 : r->s->flow & SIG_FLOW_TO_CLIENT ? 2
							   : 3;

	for (unsigned i = 0; i < r->s->n_groups; i++)
		sides &= sides_of(&r->groups[i]);
	return sides != 0 ||
	       sig_refuse(r, "it asks of what the client says and of what the "
			     "server says");
}

/* Groups that lost their contents to modifiers, or never had any. */
static void drop_empty(struct sig_reader *r)
{
	unsigned to = 0;

	for (unsigned i = 0; i < r->s->n_groups; i++) {
		if (r->groups[i].n_items == 0 &&
		    r->groups[i].buffer != SIG_BUFFER_NOTE)
			continue;
		if (r->after_group == (int)i)
			r->after_group = (int)to;
		if (to != i) {
			r->groups[to] = r->groups[i];
			memcpy(r->items[to], r->items[i], sizeof r->items[i]);
		}
		to++;
	}
	r->s->n_groups = (uint8_t)to;
}

static bool check_transport(struct sig_reader *r)
{
	bool fields = false, packets = r->s->packets;

	for (unsigned i = 0; i < r->s->n_groups; i++)
		fields |= r->groups[i].buffer != SIG_BUFFER_PAYLOAD;
	for (unsigned i = 0; i < r->s->n_headers; i++)
		packets |= r->headers[i].header != SIG_IP_PROTO;
	packets |= (r->s->flow & SIG_FLOW_NO_STREAM) != 0;
	if (packets && fields)
		return sig_refuse(r,
				  "it asks of one packet (dsize, flags, ttl, "
				  "...), and of fields of many");
	if (packets && (r->s->stream || r->s->flow & SIG_FLOW_ONLY_STREAM))
		return sig_refuse(r, "it asks of one packet, and of the stream "
				     "only");
	r->s->packets = packets;
	return true;
}

bool sig_check_rule(struct sig_reader *r)
{
	drop_empty(r);
	r->keyword = "";
	r->at = 0;
	if (!r->has_sid)
		return sig_refuse(r, "it has no sid");
	if (r->s->gid == 0)
		r->s->gid = 1;
	if (r->s->priority == 0)
		r->s->priority = sig_class_priority(r->s->classtype);
	for (unsigned i = 0; i < r->s->n_groups; i++)
		r->groups[i].variables = r->s->n_variables > 0;
	return check_sides(r) && check_transport(r);
}
