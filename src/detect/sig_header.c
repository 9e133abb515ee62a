/*
 * action protocol address ports direction address ports
 *
 * An end of a rule is a word: any, an address, a network, a range a-b, $NAME,
 * [a list], each with ! before it. Lists and variables are undone: what is left
 * are ranges, each wanted or not. A ! before a list is one before each of its
 * elements (who is in none of them is meant), so there is no ! within it.
 */
#include <stdlib.h>
#include <string.h>

#include "detect/sig_names.h"
#include "detect/sig_read.h"
#include "packet/packet.h"

struct protocol {
	const char *name;
	uint8_t transports, family;
	bool packets, stream;
	uint8_t ip_proto; /* 0: told by transports */
};

static const struct protocol protocols[] = {
	{ "tcp", SIG_TCP, 0, false, false, 0 },
	{ "tcp-pkt", SIG_TCP, 0, true, false, 0 },
	{ "tcp-stream", SIG_TCP, 0, false, true, 0 },
	{ "udp", SIG_UDP, 0, false, false, 0 },
	{ "icmp", SIG_ICMP, 0, false, false, 0 },
	{ "icmpv4", SIG_ICMP, 4, false, false, 0 },
	{ "icmpv6", SIG_ICMP, 6, false, false, 0 },
	{ "sctp", SIG_OTHER, 0, false, false, PROTO_SCTP },
	{ "ip", SIG_ALL, 0, false, false, 0 },
	{ "ip4", SIG_ALL, 4, false, false, 0 },
	{ "ipv4", SIG_ALL, 4, false, false, 0 },
	{ "ip6", SIG_ALL, 6, false, false, 0 },
	{ "ipv6", SIG_ALL, 6, false, false, 0 },
};

static bool set_protocol(struct sig_reader *r, const char *word)
{
	struct signature *s = r->s;

	s->protocol = sig_keep(r, word, strlen(word));
	for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++) {
		const struct protocol *p = &protocols[i];

		if (strcmp(p->name, word) != 0)
			continue;
		s->transports = p->transports;
		s->family = p->family;
		s->packets = p->packets;
		s->stream = p->stream;
		if (p->ip_proto)
			r->headers[s->n_headers++] = (struct sig_header_test){
				.header = SIG_IP_PROTO,
				.lo = p->ip_proto,
				.hi = p->ip_proto,
			};
		return s->protocol != NULL;
	}
	s->app = sig_app_by_name(word);
	s->transports = SIG_TCP | SIG_UDP;
	return s->app != 0 ? s->protocol != NULL
			   : sig_refuse(r, "no protocol \"%s\" here", word);
}

/* What is read of one end; ranges of either kind. */
struct end {
	struct sig_reader *r;
	bool ports;
	unsigned n;
	struct sig_addr_range addrs[SIG_RANGES_MAX];
	struct sig_port_range port[SIG_RANGES_MAX];
};

static struct ip_addr last_of(struct ip_net net)
{
	for (unsigned bit = net.prefix_bits; bit < 128; bit++)
		net.ip.b[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	return net.ip;
}

/* A network whose address has bits behind its prefix: they are taken off. */
static bool loose_net(const char *word, struct ip_net *ret)
{
	const char *slash = strchr(word, '/');
	char ip[IP_TEXT_MAX];
	struct ip_net net;
	int64_t bits;

	if (!slash || (size_t)(slash - word) >= sizeof ip)
		return false;
	memcpy(ip, word, (size_t)(slash - word));
	ip[slash - word] = 0;
	if (ip_parse(ip, &net.ip) < 0 ||
	    !sig_read_number(slash + 1, 0, ip_is_v4(net.ip) ? 32 : 128, &bits))
		return false;
	bits += ip_is_v4(net.ip) ? 96 : 0;
	for (int64_t bit = bits; bit < 128; bit++)
		net.ip.b[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	net.prefix_bits = (uint8_t)bits;
	*ret = net;
	return true;
}

static bool read_addr(struct end *e, char *word, bool not )
{
	struct sig_addr_range *range = &e->addrs[e->n];
	char *dash = strchr(word, '-');
	struct ip_net net;

	range->not = not ;
	if (ip_net_parse(word, &net) == 0 || loose_net(word, &net)) {
		range->low = net.ip;
		range->high = last_of(net);
		e->n++;
		return true;
	}
	if (dash) {
		*dash = 0;
		if (ip_parse(sig_trim(word), &range->low) == 0 &&
		    ip_parse(sig_trim(dash + 1), &range->high) == 0 &&
		    ip_compare(range->low, range->high) <= 0) {
			e->n++;
			return true;
		}
		*dash = '-';
	}
	return sig_refuse(e->r, "\"%s\" is no address", word);
}

static bool read_port(struct end *e, char *word, bool not )
{
	struct sig_port_range *range = &e->port[e->n];
	char *colon = strchr(word, ':');
	int64_t low = 0, high = 65535;
	bool good;

	if (colon) {
		*colon = 0;
		good = (!*word || sig_read_number(word, 0, 65535, &low)) &&
		       (!colon[1] ||
			sig_read_number(colon + 1, 0, 65535, &high));
		*colon = ':';
	} else {
		good = sig_read_number(word, 0, 65535, &low);
		high = low;
	}
	if (!good || low > high)
		return sig_refuse(e->r, "\"%s\" is no port", word);
	range->low = (uint16_t)low;
	range->high = (uint16_t)high;
	range->not = not ;
	e->n++;
	return true;
}

static bool read_word(struct end *e, char *word, bool not, unsigned depth);

/* The elements of "a, [b, c]", at the commas that are in no list. */
/* NOLINTNEXTLINE(misc-no-recursion): depth is bounded */
static bool read_list(struct end *e, char *list, bool not, unsigned depth)
{
	while (list) {
		unsigned open = 0;
		char *comma = list;

		for (; *comma && (*comma != ',' || open > 0); comma++)
			open += *comma == '['		    ? 1u
				: *comma == ']' && open > 0 ? -1u
							    : 0u;
		char *next = *comma ? comma + 1 : NULL;

		*comma = 0;
		if (!read_word(e, sig_trim(list), not, depth))
			return false;
		list = next;
	}
	return true;
}

/* NOLINTNEXTLINE(misc-no-recursion): depth is bounded */
static bool read_variable(struct end *e, const char *name, bool not,
			  unsigned depth)
{
	const char *value = sig_variable(e->r->list, name, strlen(name));
	char *copy;

	if (!value)
		return sig_refuse(e->r, "there is no variable $%s", name);
	copy = sig_keep(e->r, value, strlen(value));
	return copy && read_word(e, sig_trim(copy), not, depth);
}

/* All there is; not at all, with ! before it: no rule means that. */
static bool read_any(struct end *e, bool not )
{
	if (not )
		return sig_refuse(e->r, "\"!any\" is nobody");
	e->addrs[e->n] = (struct sig_addr_range){ 0 };
	memset(&e->addrs[e->n].high, 0xff, sizeof e->addrs[e->n].high);
	e->port[e->n] = (struct sig_port_range){ 0, 65535, false };
	e->n++;
	return true;
}

/* NOLINTNEXTLINE(misc-no-recursion): depth is bounded */
static bool read_word(struct end *e, char *word, bool not, unsigned depth)
{
	size_t len = strlen(word);

	if (depth >= SIG_DEPTH_MAX)
		return sig_refuse(e->r, "lists and variables deeper than %d",
				  SIG_DEPTH_MAX);
	if (e->n == SIG_RANGES_MAX)
		return sig_refuse(e->r, "more than %d elements",
				  SIG_RANGES_MAX);
	if (*word == '!') {
		if (not )
			return sig_refuse(e->r, "a ! within what has one");
		return read_word(e, sig_trim(word + 1), true, depth + 1);
	}
	if (*word == '[') {
		if (word[len - 1] != ']')
			return sig_refuse(e->r, "a list without its ]");
		word[len - 1] = 0;
		return read_list(e, word + 1, not, depth + 1);
	}
	if (*word == '$')
		return read_variable(e, word + 1, not, depth + 1);
	if (strcmp(word, "any") == 0)
		return read_any(e, not );
	return e->ports ? read_port(e, word, not ) : read_addr(e, word, not );
}

/* Is that all: one range that leaves nothing out? */
static bool is_any(const struct end *e)
{
	static const struct ip_addr none;

	if (e->n != 1)
		return false;
	if (e->ports)
		return !e->port[0].not &&e->port[0].low == 0 &&
		       e->port[0].high == 65535;
	for (size_t i = 0; i < 16; i++)
		if (e->addrs[0].high.b[i] != 0xff)
			return false;
	return !e->addrs[0].not &&ip_equal(e->addrs[0].low, none);
}

static bool keep_end(struct end *e, struct sig_addrs *addrs,
		     struct sig_ports *ports)
{
	size_t size = e->ports ? e->n * sizeof *e->port
			       : e->n * sizeof *e->addrs;
	void *copy;

	if (is_any(e))
		return true;
	copy = arena_alloc(e->r->arena, size);
	if (!copy) {
		e->r->no_memory = true;
		return false;
	}
	memcpy(copy, e->ports ? (void *)e->port : (void *)e->addrs, size);
	if (ports)
		*ports = (struct sig_ports){ copy, (uint16_t)e->n };
	else
		*addrs = (struct sig_addrs){ copy, (uint16_t)e->n };
	return true;
}

/* addrs or ports is NULL. */
static bool read_end(struct sig_reader *r, char *word, struct sig_addrs *addrs,
		     struct sig_ports *ports, const char **ret_text)
{
	struct end *e = calloc(1, sizeof *e);
	bool good;

	if (!e) {
		r->no_memory = true;
		return false;
	}
	e->r = r;
	e->ports = ports != NULL;
	*ret_text = sig_keep(r, word, strlen(word));
	good = *ret_text && read_word(e, word, false, 0) &&
	       keep_end(e, addrs, ports);
	free(e);
	return good;
}

/*
 * The next word, to a blank that is in no list, without the blanks in it; NULL:
 * there is none. A copy, until the next one.
 */
static char *take_word(struct sig_reader *r, size_t *at)
{
	size_t n = 0;
	unsigned open = 0;

	while (r->text[*at] == ' ' || r->text[*at] == '\t')
		++*at;
	r->at = *at;
	for (; r->text[*at] && r->text[*at] != '('; ++*at) {
		char c = r->text[*at];
		bool blank = c == ' ' || c == '\t';

		if (blank && open == 0)
			break;
		if (c == '[')
			open++;
		else if (c == ']' && open > 0)
			open--;
		if (!blank)
			r->word[n++] = c;
	}
	r->word[n] = 0;
	return n > 0 ? r->word : NULL;
}

/* The i-th word of a header. */
static bool read_header_word(struct sig_reader *r, unsigned i, char *word)
{
	struct signature *s = r->s;

	switch (i) {
	case 0:
		s->action = (uint8_t)sig_action_by_name(word);
		return s->action < SIG_ACTION__MAX ||
		       sig_refuse(r, "no action \"%s\"", word);
	case 1: return set_protocol(r, word);
	case 2: return read_end(r, word, &s->from, NULL, &s->from_text);
	case 3:
		return read_end(r, word, NULL, &s->from_ports,
				&s->from_ports_text);
	case 4:
		s->both_ways = strcmp(word, "<>") == 0;
		return s->both_ways || strcmp(word, "->") == 0 ||
		       sig_refuse(r, "-> or <> expected");
	case 5: return read_end(r, word, &s->to, NULL, &s->to_text);
	default:
		return read_end(r, word, NULL, &s->to_ports, &s->to_ports_text);
	}
}

bool sig_read_header(struct sig_reader *r, size_t *ret_end)
{
	static const char *const what[] = { "an action", "a protocol",
					    "addresses", "ports",
					    "-> or <>",	 "addresses",
					    "ports" };
	size_t at = 0;

	for (unsigned i = 0; i < sizeof what / sizeof *what; i++) {
		char *word = take_word(r, &at);

		if (!word)
			return sig_refuse(r, "%s expected", what[i]);
		if (!read_header_word(r, i, word))
			return false;
	}
	*ret_end = at;
	return true;
}
