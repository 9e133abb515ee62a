/*
 * Theory. A rule's trigger is looked for in one channel or several: payload of
 * either direction, of TCP and UDP; file_data is three fields. For each channel
 * patterns are gathered first, equal ones once, in tables that grow; then they
 * are put into the set's arena, sorted by channel, and compiled.
 *
 * A rule without a word that could be searched for has an expression: Vectorscan looks
 * for that, or for something that finds at least as much, where it sees a field whole.
 * Of what comes in pieces it may begin in one that is gone: there the rule is tried each
 * time, as everywhere where Vectorscan cannot read it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "detect/search.h"
#include "detect/sig_names.h"
#include "detect/sig_set_build.h"
#include "packet/packet.h"

struct pattern {
	const struct sig_item *expression; /* NULL: bytes */
	uint8_t bytes[SIG_FAST_BYTES];
	uint8_t len;		 /* 1 of an expression */
	unsigned flags;		 /* Vectorscan's */
	uint32_t n_rules, first; /* a list in uses: number + 1 */
};

struct use {
	uint32_t rule, next;
};

struct sig_gather {
	struct sig_channel c; /* place, transforms */
	struct hash_table by_bytes;
	struct pattern *patterns;
	uint32_t n, room;
	struct use *uses;
	uint32_t n_uses, uses_room;
	uint32_t *unfiltered;
	uint32_t n_unfiltered, unfiltered_room;
};

static bool no_memory(struct sig_build *b)
{
	(void)err_set(b->reterr, ENOMEM, NULL, "out of memory");
	return false;
}

/* Room for one more in an array of elements of that size. */
static bool grow(struct sig_build *b, void *array, uint32_t n, uint32_t *room,
		 size_t size)
{
	void **at = array;
	void *more;

	if (n < *room)
		return true;
	*room = *room ? 2 * *room : 16;
	more = realloc(*at, *room * size);
	if (!more)
		return no_memory(b);
	*at = more;
	return true;
}

bool sig_build_keep_code(struct sig_build *b, void *code)
{
	struct sig_code *c = arena_alloc(&b->set->arena, sizeof *c);

	if (!c)
		return false;
	*c = (struct sig_code){ code, b->set->codes };
	b->set->codes = c;
	return true;
}

void sig_set_free_codes(struct sig_set *s)
{
	for (struct sig_code *c = s->codes; c; c = c->next)
		sig_pcre_free(c->code);
}

static uint64_t hash_of_name(const void *arg, uint32_t i)
{
	const struct sig_build *b = arg;

	return hash_of_bytes(b->names[i], strlen(b->names[i]));
}

bool sig_build_bit(struct sig_build *b, const char *name, uint16_t *ret)
{
	uint64_t hash = hash_of_bytes(name, strlen(name)), slot = hash;
	uint32_t i;

	while (hash_table_next(&b->bit_names, &slot, &i)) {
		if (strcmp(b->names[i], name) == 0) {
			*ret = (uint16_t)i;
			return true;
		}
	}
	if (b->n_names == SIG_BIT_NAMES_MAX) {
		(void)err_set(b->reterr, EINVAL, "flowbits",
			      "more than %d names in all rules",
			      SIG_BIT_NAMES_MAX);
		return false;
	}
	if (!grow(b, &b->names, b->n_names, &b->names_room, sizeof *b->names))
		return false;
	b->names[b->n_names] = name;
	if (!hash_table_put(&b->bit_names, hash, hash_of_name, b))
		return no_memory(b);
	*ret = (uint16_t)b->n_names++;
	b->set->n_bits = b->n_names;
	return true;
}

void sig_build_done(struct sig_build *b)
{
	for (uint32_t i = 0; i < b->n_gathers; i++) {
		hash_table_done(&b->gathers[i].by_bytes);
		free(b->gathers[i].patterns);
		free(b->gathers[i].uses);
		free(b->gathers[i].unfiltered);
	}
	free(b->gathers);
	hash_table_done(&b->bit_names);
	free(b->names);
}

static struct sig_gather *gather_of(struct sig_build *b, unsigned place,
				    const struct sig_group *g)
{
	struct sig_gather *found;

	for (uint32_t i = 0; i < b->n_gathers; i++) {
		found = &b->gathers[i];
		if (found->c.place == place &&
		    found->c.n_transforms == g->n_transforms &&
		    memcmp(found->c.transforms, g->transforms,
			   g->n_transforms) == 0)
			return found;
	}
	if (!grow(b, &b->gathers, b->n_gathers, &b->gathers_room,
		  sizeof *b->gathers))
		return NULL;
	found = &b->gathers[b->n_gathers++];
	*found = (struct sig_gather){ .c.place = (uint8_t)place,
				      .c.n_transforms = g->n_transforms };
	memcpy(found->c.transforms, g->transforms, sizeof g->transforms);
	return found;
}

const struct sig_item *sig_fast_item(const struct sig_group *g)
{
	const struct sig_item *best = NULL;

	for (unsigned i = 0; i < g->n_items; i++) {
		const struct sig_item *item = &g->items[i];

		if (item->kind != SIG_CONTENT || item->negated)
			continue;
		if (item->fast)
			return item;
		if (!best || item->len > best->len)
			best = item;
	}
	return best;
}

static void pattern_of_content(const struct sig_item *item, struct pattern *ret)
{
	const uint8_t *from = item->bytes;
	size_t len = item->len;

	*ret = (struct pattern){ .flags = item->nocase ? HS_FLAG_CASELESS : 0 };
	if (item->fast == SIG_FAST_CHOP) {
		from += item->chop_offset;
		len = item->chop_len;
	}
	ret->len = (uint8_t)(len < SIG_FAST_BYTES ? len : SIG_FAST_BYTES);
	for (unsigned i = 0; i < ret->len; i++) {
		uint8_t c = from[i];

		if (item->nocase && c >= 'A' && c <= 'Z')
			c |= 0x20;
		ret->bytes[i] = c;
	}
}

/* An expression that the group needs, and that can be searched for; false: none. */
static bool pattern_of_expression(const struct sig_group *g,
				  struct pattern *ret)
{
	*ret = (struct pattern){ .len = 1 };
	for (unsigned i = 0; i < g->n_items; i++) {
		const struct sig_item *item = &g->items[i];
		uint32_t width;

		if (item->kind != SIG_PCRE || item->negated || item->relative ||
		    strchr(item->pcre_flags, 'x') ||
		    !search_expression((const char *)item->bytes,
				       item->pcre_flags, &ret->flags, &width))
			continue;
		ret->expression = item;
		ret->flags |= HS_FLAG_SINGLEMATCH;
		return true;
	}
	return false;
}

/* What of the group is searched for there; false: nothing. */
static bool pattern_of(const struct sig_group *g, unsigned place,
		       struct pattern *ret)
{
	const struct sig_item *content = sig_fast_item(g);

	if (content) {
		pattern_of_content(content, ret);
		return true;
	}
	return place < FIELD__MAX &&
	       !proto_field_in_pieces((enum proto_field)place) &&
	       pattern_of_expression(g, ret);
}

static uint64_t pattern_hash(const struct pattern *p)
{
	if (p->expression)
		return hash_of_bytes(p->expression->bytes, p->expression->len);
	return hash_of_bytes(p->bytes, p->len) + p->flags;
}

static bool is_same_pattern(const struct pattern *a, const struct pattern *b)
{
	const struct sig_item *x = a->expression, *y = b->expression;

	if (a->flags != b->flags || !x != !y)
		return false;
	if (x)
		return x->len == y->len &&
		       memcmp(x->bytes, y->bytes, x->len) == 0;
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

static uint64_t hash_of_pattern(const void *arg, uint32_t i)
{
	const struct sig_gather *g = arg;

	return pattern_hash(&g->patterns[i]);
}

/* The number of an equal pattern, or a new one; false: out of memory */
static bool number_of(struct sig_build *b, struct sig_gather *g,
		      const struct pattern *p, uint32_t *ret)
{
	uint64_t slot = pattern_hash(p);

	while (hash_table_next(&g->by_bytes, &slot, ret)) {
		if (is_same_pattern(&g->patterns[*ret], p))
			return true;
	}
	if (!grow(b, &g->patterns, g->n, &g->room, sizeof *g->patterns))
		return false;
	g->patterns[g->n] = *p;
	if (!hash_table_put(&g->by_bytes, pattern_hash(p), hash_of_pattern, g))
		return no_memory(b);
	*ret = g->n++;
	return true;
}

static bool add_rule(struct sig_build *b, unsigned place, uint32_t rule)
{
	const struct sig_rule *r = &b->set->rules[rule];
	const struct sig_group *group = r->groups[r->trigger].group;
	struct sig_gather *g = gather_of(b, place, group);
	struct pattern p;
	uint32_t n;

	b->set->wanted[place] = true;
	if (!g)
		return false;
	if (!pattern_of(group, place, &p)) {
		if (!grow(b, &g->unfiltered, g->n_unfiltered,
			  &g->unfiltered_room, sizeof *g->unfiltered))
			return false;
		g->unfiltered[g->n_unfiltered++] = rule;
		b->set->size.unfiltered++;
		return true;
	}
	if (!number_of(b, g, &p, &n) ||
	    !grow(b, &g->uses, g->n_uses, &g->uses_room, sizeof *g->uses))
		return false;
	g->uses[g->n_uses++] = (struct use){ rule, g->patterns[n].first };
	g->patterns[n].first = g->n_uses;
	g->patterns[n].n_rules++;
	return true;
}

static void add_ports(uint64_t ports[65536 / 64], const struct sig_ports *p,
		      bool all)
{
	all |= p->n == 0;
	for (unsigned i = 0; i < p->n; i++)
		all |= p->ranges[i].not ;
	if (all) {
		memset(ports, 0xff, 65536 / 8);
		return;
	}
	for (unsigned i = 0; i < p->n; i++)
		for (uint32_t k = p->ranges[i].low; k <= p->ranges[i].high; k++)
			ports[k / 64] |= 1ull << k % 64;
}

/* The ports that the rule's raw bytes are of, in that direction. */
static void want_ports(struct sig_set *set, const struct sig_rule *rule,
		       unsigned place)
{
	const struct signature *s = rule->s;
	unsigned i = place - SIG_PLACE_TCP_CLIENT;
	bool client = place == SIG_PLACE_TCP_CLIENT ||
		      place == SIG_PLACE_UDP_CLIENT;

	add_ports(set->client_ports[i], client ? &s->from_ports : &s->to_ports,
		  s->both_ways);
	add_ports(set->server_ports[i], client ? &s->to_ports : &s->from_ports,
		  s->both_ways);
}

static bool add_payload(struct sig_build *b, uint32_t i)
{
	const struct sig_rule *r = &b->set->rules[i];
	const struct signature *s = r->s;
	bool trigger = r->groups[r->trigger].group->buffer ==
		       SIG_BUFFER_PAYLOAD;

	for (unsigned place = SIG_PLACE_TCP_CLIENT;
	     place <= SIG_PLACE_UDP_SERVER; place++) {
		bool tcp = place <= SIG_PLACE_TCP_SERVER;
		bool client = place == SIG_PLACE_TCP_CLIENT ||
			      place == SIG_PLACE_UDP_CLIENT;

		if (!(s->transports & (tcp ? SIG_TCP : SIG_UDP)) ||
		    (s->flow &
		     (client ? SIG_FLOW_TO_CLIENT : SIG_FLOW_TO_SERVER)))
			continue;
		b->set->wanted[place] = true;
		want_ports(b->set, r, place);
		if (trigger && !add_rule(b, place, i))
			return false;
	}
	return true;
}

/* ICMP and others have packets only. */
static bool add_packets(struct sig_build *b, uint32_t i)
{
	const struct sig_rule *r = &b->set->rules[i];
	static const uint8_t transports[] = { SIG_TCP, SIG_UDP,
					      SIG_ICMP | SIG_OTHER };

	for (unsigned k = 0; k < 3; k++) {
		if (!(r->s->transports & transports[k]))
			continue;
		if (k < 2 && !r->of_packets)
			continue;
		b->set->packet_wanted[k] = true;
		if (!add_rule(b, SIG_PLACE_PACKET_TCP + k, i))
			return false;
	}
	return true;
}

static bool add_file(struct sig_build *b, const struct sig_rule *r, uint32_t i,
		     bool trigger)
{
	static const uint8_t bodies[] = { FIELD_HTTP_REQUEST_BODY,
					  FIELD_HTTP_RESPONSE_BODY,
					  FIELD_SMTP_BODY };

	for (unsigned k = 0; k < sizeof bodies; k++) {
		char side = sig_buffer_side(bodies[k]);

		if (r->s->flow &
		    (side == 'C' ? SIG_FLOW_TO_CLIENT : SIG_FLOW_TO_SERVER))
			continue;
		b->set->wanted[bodies[k]] = true;
		b->set->kept[bodies[k]] |= !trigger;
		if (trigger && !add_rule(b, bodies[k], i))
			return false;
	}
	return true;
}

static bool add_to_list(struct sig_build *b, uint32_t **list, uint32_t *n,
			uint32_t rule)
{
	/* few: lists in the arena that double */
	if ((*n & (*n - 1)) == 0) {
		uint32_t *more =
			sig_build_alloc(b, (*n ? 2 * *n : 1) * sizeof *more);

		if (!more)
			return false;
		if (*n)
			memcpy(more, *list, *n * sizeof *more);
		*list = more;
	}
	(*list)[(*n)++] = rule;
	return true;
}

static bool add_groups(struct sig_build *b, uint32_t i)
{
	struct sig_set *set = b->set;
	const struct sig_rule *r = &set->rules[i];

	for (unsigned k = 0; k < r->n_groups; k++) {
		const struct sig_group *g = r->groups[k].group;
		bool trigger = k == r->trigger;
		bool good = true;

		if (g->buffer == SIG_BUFFER_PAYLOAD) {
			good = (r->of_packets || add_payload(b, i)) &&
			       (!trigger || add_packets(b, i));
		} else if (g->buffer == SIG_BUFFER_FILE) {
			good = add_file(b, r, i, trigger);
		} else if (g->buffer == SIG_BUFFER_NOTE) {
			good = add_to_list(b, &set->notes[g->note],
					   &set->n_notes[g->note], i);
		} else {
			set->wanted[g->buffer] = true;
			set->kept[g->buffer] |= !trigger;
			good = !trigger || add_rule(b, g->buffer, i);
		}
		if (!good)
			return false;
	}
	return true;
}

static bool place_rules(struct sig_build *b)
{
	struct sig_set *set = b->set;

	for (uint32_t i = 0; i < set->n_rules; i++) {
		const struct sig_rule *r = &set->rules[i];

		set->has_pass |= r->s->action == SIG_PASS && r->fields;
		if (r->n_groups > 0) {
			if (!add_groups(b, i))
				return false;
			continue;
		}
		for (unsigned k = 0; k < 3; k++)
			set->packet_wanted[k] |=
				(r->s->transports &
				 (const uint8_t[]){
					 SIG_TCP, SIG_UDP,
					 SIG_ICMP | SIG_OTHER }[k]) != 0;
		if (!(r->of_packets ? add_to_list(b, &set->packets,
						  &set->n_packets, i)
				    : add_to_list(b, &set->headers,
						  &set->n_headers, i)))
			return false;
	}
	return true;
}

static int by_place(const void *a, const void *b)
{
	const struct sig_gather *x = a, *y = b;

	if (x->c.place != y->c.place)
		return x->c.place < y->c.place ? -1 : 1;
	if (x->c.n_transforms != y->c.n_transforms)
		return x->c.n_transforms < y->c.n_transforms ? -1 : 1;
	return memcmp(x->c.transforms, y->c.transforms, sizeof x->c.transforms);
}

bool sig_build_channels(struct sig_build *b)
{
	struct sig_set *set = b->set;

	if (!place_rules(b))
		return false;
	if (b->n_gathers)
		qsort(b->gathers, b->n_gathers, sizeof *b->gathers, by_place);
	set->channels =
		sig_build_alloc(b, b->n_gathers * sizeof *set->channels + 1);
	if (!set->channels)
		return false;
	for (uint32_t i = 0; i < b->n_gathers; i++) {
		struct sig_channel *c = &set->channels[i];

		*c = b->gathers[i].c;
		c->first_pattern = set->size.patterns;
		c->n_patterns = b->gathers[i].n;
		set->size.patterns += c->n_patterns;
		set->channels_at[c->place + 1]++;
	}
	for (unsigned i = 0; i < SIG_PLACE__MAX; i++)
		set->channels_at[i + 1] += set->channels_at[i];
	set->n_channels = b->n_gathers;
	return true;
}

/* Which rules each pattern is of. */
static bool put_refs(struct sig_build *b, struct sig_channel *c,
		     const struct sig_gather *g)
{
	uint32_t at = 0;

	c->refs_at = sig_build_alloc(b, (g->n + 1) * sizeof *c->refs_at);
	c->refs = sig_build_alloc(b, (g->n_uses + 1) * sizeof *c->refs);
	c->unfiltered = sig_build_alloc(b, (g->n_unfiltered + 1) *
						   sizeof *c->unfiltered);
	if (!c->refs_at || !c->refs || !c->unfiltered)
		return false;
	for (uint32_t i = 0; i < g->n; i++) {
		uint32_t to = at + g->patterns[i].n_rules;

		c->refs_at[i] = at;
		/* the list has the latest first */
		for (uint32_t u = g->patterns[i].first; u;
		     u = g->uses[u - 1].next)
			c->refs[--to] = g->uses[u - 1].rule;
		at += g->patterns[i].n_rules;
	}
	c->refs_at[g->n] = at;
	if (g->n_unfiltered)
		memcpy(c->unfiltered, g->unfiltered,
		       g->n_unfiltered * sizeof *c->unfiltered);
	c->n_unfiltered = g->n_unfiltered;
	return true;
}

/* Bytes as an expression, "\\x00\\xff". (Literals may not begin with 0.) */
#define EXPRESSION_SIZE (4 * SIG_FAST_BYTES + 1)

static const char *text_of(const struct pattern *p,
			   char to[static EXPRESSION_SIZE])
{
	if (p->expression)
		return (const char *)p->expression->bytes;
	for (unsigned i = 0; i < p->len; i++)
		(void)snprintf(to + 4 * (size_t)i, 5, "\\x%02x", p->bytes[i]);
	return to;
}

static bool compile(struct sig_build *b, struct sig_channel *c,
		    const char *const *texts, const unsigned *flags,
		    const unsigned *ids)
{
	size_t size = 0;

	c->db = search_new(texts, flags, ids, c->n_patterns, b->reterr);
	if (!c->db)
		return false;
	if (hs_database_size(c->db, &size) == HS_SUCCESS)
		b->set->size.database_bytes += size;
	b->set->size.databases++;
	return true;
}

bool sig_build_database(struct sig_build *b, struct sig_channel *c)
{
	const struct sig_gather *g = &b->gathers[c - b->set->channels];
	char(*written)[EXPRESSION_SIZE] = calloc(g->n + 1u, sizeof *written);
	const char **texts = calloc(g->n + 1u, sizeof *texts);
	unsigned *flags = calloc(g->n + 1u, sizeof *flags);
	unsigned *ids = calloc(g->n + 1u, sizeof *ids);
	bool good = written && texts && flags && ids ? put_refs(b, c, g)
						     : no_memory(b);

	c->shortest = SIG_FAST_BYTES;
	for (uint32_t i = 0; good && i < g->n; i++) {
		if (g->patterns[i].len < c->shortest)
			c->shortest = g->patterns[i].len;
		texts[i] = text_of(&g->patterns[i], written[i]);
		flags[i] = g->patterns[i].flags;
		ids[i] = i;
	}
	if (good && g->n > 0)
		good = compile(b, c, texts, flags, ids);
	free(ids);
	free(flags);
	free(texts);
	free(written);
	return good;
}
