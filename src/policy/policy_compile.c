/*
 * From rules to boxes (match.h). A rule is the product of its peers, its own
 * addresses and its port ranges; the order of all these boxes is the place of
 * the rule in the list, so "first match wins" is "lowest order wins".
 *
 *   reference's form                peers                     own
 *     0.0.0.0 (or ::)     external peers of that family     any of that family
 *     an address or range what it says                      what it says
 *     fqdn                that name, besides the address;
 *                         without one, that name only       -
 *   ours
 *     any                 both families                     both families
 *     internal, external  both families, such peers         -
 *     set:, a range       what it says                      what it says
 *     fqdn:               that name                         -
 *
 * A peer and an own address of different families meet in no packet; such
 * combinations make no box.
 *
 * Protocol 0 speaks of all but ICMP, and of ICMP, too, where that is enforced;
 * since that is only known when somebody asks, its boxes for ICMP are
 * conditional. ICMP has no ports: any range speaks of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/limits.h"
#include "policy/policy_rules.h"

/* One end of a rule: addresses, and what else there is to say of them. */
struct span {
	struct ip_addr first, last;
	uint8_t peers; /* enum match_peers */
	uint16_t name;
};

struct spans {
	struct span *v;
	size_t n, room;
};

struct boxes {
	struct match_box *v;
	size_t n, room;
};

struct compile {
	struct policy *p;
	const struct addr_sets *sets;
	struct spans peers, owns; /* of the rule under way */
	struct boxes classes[POLICY_CLASSES];
	size_t n_boxes;
	size_t room_owns; /* of p->owns */
	size_t room_name_addrs;
	int rc; /* the first error */
	struct err *reterr;
};

static void fail_memory(struct compile *c)
{
	if (c->rc == 0)
		c->rc = err_set(c->reterr, ENOMEM, NULL,
				"out of memory for %zu rules",
				c->p->source->spec.n_rules);
}

static struct span *new_span(struct compile *c, struct spans *s)
{
	if (s->n == s->room) {
		size_t room = s->room ? 2 * s->room : 16;
		struct span *grown = realloc(s->v, room * sizeof *grown);

		if (!grown) {
			fail_memory(c);
			return NULL;
		}
		s->v = grown;
		s->room = room;
	}
	s->v[s->n] = (struct span){ 0 };
	return &s->v[s->n++];
}

static void add_range(struct compile *c, struct spans *s, struct ip_addr first,
		      struct ip_addr last)
{
	struct span *n = new_span(c, s);

	if (n)
		*n = (struct span){ .first = first, .last = last };
}

static void add_family(struct compile *c, struct spans *s, bool v4,
		       enum match_peers peers, uint16_t name)
{
	struct span *n = new_span(c, s);

	if (!n)
		return;
	*n = (struct span){ .peers = (uint8_t)peers, .name = name };
	if (v4) {
		n->first = ip_from_v4(0);
		n->last = ip_from_v4(UINT32_MAX);
	} else {
		memset(n->last.b, 0xff, sizeof n->last.b);
	}
}

static void add_both(struct compile *c, struct spans *s, enum match_peers peers,
		     uint16_t name)
{
	add_family(c, s, true, peers, name);
	add_family(c, s, false, peers, name);
}

/* --- names ------------------------------------------------------------ */

static int text_order(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static size_t names_of_words(const struct addr_word *w, size_t n,
			     const char **ret)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		if (w[i].kind == ADDR_NAME) {
			if (ret)
				ret[k] = w[i].name;
			k++;
		}
	return k;
}

/* All names of all rules, each as often as it stands there; ret NULL: counts */
static size_t all_names(const struct policy_spec *spec, const char **ret)
{
	size_t n = 0;

	for (size_t i = 0; i < spec->n_rules; i++) {
		const struct rule_spec *r = &spec->rules[i];
		const struct rule_lists *l = r->lists;

		if (r->fqdn) {
			if (ret)
				ret[n] = r->fqdn;
			n++;
		}
		if (!l)
			continue;
		n += names_of_words(l->from, l->n_from, ret ? ret + n : NULL);
		n += names_of_words(l->to, l->n_to, ret ? ret + n : NULL);
	}
	return n;
}

static void number_names(struct compile *c)
{
	const struct policy_spec *spec = &c->p->source->spec;
	size_t n = all_names(spec, NULL), out = 0;
	const char **names;

	if (n == 0)
		return;
	names = malloc(n * sizeof *names);
	if (!names) {
		fail_memory(c);
		return;
	}
	(void)all_names(spec, names);
	qsort(names, n, sizeof *names, text_order);
	for (size_t i = 0; i < n; i++)
		if (out == 0 || strcmp(names[i], names[out - 1]) != 0)
			names[out++] = names[i];
	c->p->names = names;
	if (out > FQDNS_MAX) {
		c->rc = err_set(c->reterr, E2BIG, "rules",
				"more than %d names of hosts", FQDNS_MAX);
		return;
	}
	c->p->n_names = (uint16_t)out;
}

static uint16_t number_of(const struct compile *c, const char *name)
{
	const char **at;

	BUG_ON(!c->p->names);
	at = bsearch(&name, c->p->names, c->p->n_names, sizeof *c->p->names,
		     text_order);
	BUG_ON(!at);
	return (uint16_t)(at - c->p->names + 1);
}

/* --- both ends of a rule ---------------------------------------------- */

static bool is_any(struct ip_addr first, struct ip_addr last)
{
	return ip_is_any(first) && ip_is_any(last);
}

/* What else goes by that name: other rules may speak of it, too. */
static void note_name_addr(struct compile *c, struct ip_addr a, uint16_t name)
{
	struct policy *p = c->p;

	if (p->n_name_addrs == c->room_name_addrs) {
		size_t room = c->room_name_addrs ? 2 * c->room_name_addrs : 4;
		struct policy_name_addr *grown =
			realloc(p->name_addrs, room * sizeof *grown);

		if (!grown) {
			fail_memory(c);
			return;
		}
		p->name_addrs = grown;
		c->room_name_addrs = room;
	}
	p->name_addrs[p->n_name_addrs++] = (struct policy_name_addr){ a, name };
}

static void reference_ends(struct compile *c, const struct rule_spec *r)
{
	struct ip_addr peer = r->ingress ? r->sip : r->dip;
	struct ip_addr peer_last = r->ingress ? r->sipr : r->dipr;
	struct ip_addr own = r->ingress ? r->dip : r->sip;
	struct ip_addr own_last = r->ingress ? r->dipr : r->sipr;
	bool any = is_any(peer, peer_last);

	if (r->fqdn)
		add_both(c, &c->peers, MATCH_PEERS_ALL, number_of(c, r->fqdn));
	if (r->fqdn && !any && ip_equal(peer, peer_last))
		note_name_addr(c, peer, number_of(c, r->fqdn));
	if (!any)
		add_range(c, &c->peers, peer, peer_last);
	else if (!r->fqdn)
		add_family(c, &c->peers, ip_is_v4(peer), MATCH_PEERS_EXTERNAL,
			   0);
	if (is_any(own, own_last))
		add_family(c, &c->owns, ip_is_v4(own), MATCH_PEERS_ALL, 0);
	else
		add_range(c, &c->owns, own, own_last);
}

static void add_set(struct compile *c, struct spans *s, const char *name,
		    size_t rule)
{
	const struct addr_set *set = addr_sets_find(c->sets, name);
	char at[ERR_AT_MAX];

	if (!set && c->rc == 0) {
		(void)snprintf(at, sizeof at, "rules[%zu]", rule);
		c->rc = err_set(c->reterr, ENOENT, at,
				"no address set is called \"%s\" (weir_sets)",
				name);
	}
	for (size_t i = 0; set && i < set->n_ranges; i++)
		add_range(c, s, set->ranges[i].first, set->ranges[i].last);
}

static void our_end(struct compile *c, struct spans *s,
		    const struct addr_word *w, size_t n, size_t rule)
{
	for (size_t i = 0; i < n && c->rc == 0; i++)
		switch ((enum addr_kind)w[i].kind) {
		case ADDR_RANGE: add_range(c, s, w[i].first, w[i].last); break;
		case ADDR_ANY: add_both(c, s, MATCH_PEERS_ALL, 0); break;
		case ADDR_EXTERNAL:
			add_both(c, s, MATCH_PEERS_EXTERNAL, 0);
			break;
		case ADDR_INTERNAL:
			add_both(c, s, MATCH_PEERS_INTERNAL, 0);
			break;
		case ADDR_SET: add_set(c, s, w[i].name, rule); break;
		case ADDR_NAME:
			add_both(c, s, MATCH_PEERS_ALL,
				 number_of(c, w[i].name));
			break;
		}
}

static void note_own(struct compile *c, struct ip_addr a)
{
	struct policy *p = c->p;

	if (p->n_owns == c->room_owns) {
		size_t room = c->room_owns ? 2 * c->room_owns : 4;
		struct ip_addr *grown = realloc(p->owns, room * sizeof *grown);

		if (!grown) {
			fail_memory(c);
			return;
		}
		p->owns = grown;
		c->room_owns = room;
	}
	p->owns[p->n_owns++] = a;
}

/* Addresses that rules give the workload; for policy_owns_address(). */
static void note_owns(struct compile *c)
{
	const struct policy *p = c->p;

	for (size_t i = 0; i < c->owns.n && c->rc == 0; i++) {
		const struct span *s = &c->owns.v[i];
		bool noted = p->n_owns &&
			     ip_equal(p->owns[p->n_owns - 1], s->first);

		if (ip_equal(s->first, s->last) && !noted)
			note_own(c, s->first);
	}
}

static int addr_order(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct ip_addr));
}

static void tidy_owns(struct policy *p)
{
	size_t out = 0;

	if (p->n_owns == 0)
		return;
	qsort(p->owns, p->n_owns, sizeof *p->owns, addr_order);
	for (size_t i = 1; i < p->n_owns; i++)
		if (!ip_equal(p->owns[i], p->owns[out]))
			p->owns[++out] = p->owns[i];
	p->n_owns = out + 1;
}

/* --- boxes ------------------------------------------------------------ */

static void add_box(struct compile *c, unsigned class,
		    const struct match_box *box)
{
	struct boxes *b = &c->classes[class];

	if (c->rc)
		return;
	if (++c->n_boxes > MATCH_BOXES_MAX) {
		c->rc = err_set(c->reterr, E2BIG, "rules",
				"more than %u ranges in all rules",
				MATCH_BOXES_MAX);
		return;
	}
	if (b->n == b->room) {
		size_t room = b->room ? 2 * b->room : 16;
		struct match_box *grown = realloc(b->v, room * sizeof *grown);

		if (!grown) {
			fail_memory(c);
			return;
		}
		b->v = grown;
		b->room = room;
	}
	b->v[b->n++] = *box;
}

/* Does it need to know more than addresses, ports and protocol? */
static bool depends(const struct rule_spec *r)
{
	return r->n_apps > 0 || r->vhost || r->requests ||
	       r->action == POLICY_CHECK_APP;
}

/* All boxes of one peer and one own address. */
static void add_pair(struct compile *c, const struct rule_spec *r,
		     uint32_t order, const struct span *peer,
		     const struct span *own)
{
	static const struct port_range all_ports = { 0, UINT16_MAX };
	struct port_range sent = { r->port, r->portr };
	const struct port_range *ports = r->lists ? r->lists->ports : &sent;
	size_t n_ports = r->lists ? r->lists->n_ports : 1;
	bool ipv6 = !ip_is_v4(own->last);
	bool icmp = policy_is_icmp(r->proto);
	struct match_box box = {
		.peer_first = peer->first,
		.peer_last = peer->last,
		.own_first = own->first,
		.own_last = own->last,
		.proto_first = r->proto,
		.proto_last = r->proto ? r->proto : UINT8_MAX,
		.peers = peer->peers,
		.name = peer->name,
		.order = order,
		.conditional = depends(r),
	};

	for (size_t i = 0; i < n_ports && !icmp; i++) {
		box.port_first = ports[i].first;
		box.port_last = ports[i].last;
		add_box(c, policy_class(r->ingress, ipv6, false), &box);
	}
	if (r->proto != 0 && !icmp)
		return;
	box.port_first = all_ports.first;
	box.port_last = all_ports.last;
	box.conditional |= r->proto == 0;
	add_box(c, policy_class(r->ingress, ipv6, true), &box);
}

static void compile_rule(struct compile *c, size_t index)
{
	const struct rule_spec *r = &c->p->source->spec.rules[index];
	const struct rule_lists *l = r->lists;

	BUG_ON(!c->p->words);
	c->p->words[index] = (struct policy_word){
		.id = r->id,
		.action = r->action,
		.reject = r->reject,
		.depends = depends(r),
	};
	c->peers.n = 0;
	c->owns.n = 0;
	if (l) {
		our_end(c, r->ingress ? &c->peers : &c->owns, l->from,
			l->n_from, index);
		our_end(c, r->ingress ? &c->owns : &c->peers, l->to, l->n_to,
			index);
	} else {
		reference_ends(c, r);
	}
	note_owns(c);
	for (size_t i = 0; i < c->peers.n; i++)
		for (size_t k = 0; k < c->owns.n && c->rc == 0; k++)
			if (ip_is_v4(c->peers.v[i].last) ==
			    ip_is_v4(c->owns.v[k].last))
				add_pair(c, r, (uint32_t)index, &c->peers.v[i],
					 &c->owns.v[k]);
}

static void index_boxes(struct compile *c)
{
	for (unsigned i = 0; i < POLICY_CLASSES && c->rc == 0; i++) {
		const struct boxes *b = &c->classes[i];

		if (b->n == 0)
			continue;
		c->p->classes[i] = match_new(b->v, b->n, i & 2);
		if (!c->p->classes[i])
			fail_memory(c);
	}
}

static void source_put(struct policy_source *s)
{
	BUG_ON(s->refs == 0);
	if (--s->refs > 0)
		return;
	for (size_t i = 0; i < s->spec.n_rules; i++)
		rule_spec_done(&s->spec.rules[i]);
	free(s->spec.rules);
	free(s);
}

/* Takes a count of the source, also when it fails. */
static struct policy *compile(struct policy_source *source,
			      const struct addr_sets *sets, struct err *reterr)
{
	struct policy *p = calloc(1, sizeof *p);
	struct compile c = { .p = p, .sets = sets, .reterr = reterr };

	if (!p) {
		source_put(source);
		/* NULL says that it failed */
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	p->refs = 1;
	p->source = source;
	p->words = calloc(source->spec.n_rules + 1, sizeof *p->words);
	if (!p->words)
		fail_memory(&c);
	else
		number_names(&c);
	for (size_t i = 0; i < source->spec.n_rules && c.rc == 0; i++)
		compile_rule(&c, i);
	index_boxes(&c);
	tidy_owns(p);
	for (unsigned i = 0; i < POLICY_CLASSES; i++)
		free(c.classes[i].v);
	free(c.peers.v);
	free(c.owns.v);
	if (c.rc == 0)
		return p;
	policy_put(p);
	return NULL;
}

struct policy *policy_compile(const struct policy_spec *spec,
			      struct err *reterr)
{
	struct policy_source *source = calloc(1, sizeof *source);

	if (!source) {
		for (size_t i = 0; i < spec->n_rules; i++)
			rule_spec_done(&spec->rules[i]);
		free(spec->rules);
		/* NULL says that it failed */
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	source->refs = 1;
	source->spec = *spec;
	source->spec.sets = NULL;
	return compile(source, spec->sets, reterr);
}

struct policy *policy_with_sets(const struct policy *p,
				const struct addr_sets *sets,
				struct err *reterr)
{
	p->source->refs++;
	return compile(p->source, sets, reterr);
}

/* Is there a set's name among them, for which differs() is true? */
static bool any_set(const struct policy *p,
		    bool (*differs)(const char *name, const void *arg),
		    const void *arg)
{
	const struct policy_spec *spec = &p->source->spec;

	for (size_t i = 0; i < spec->n_rules; i++) {
		const struct rule_lists *l = spec->rules[i].lists;

		for (size_t k = 0; l && k < l->n_from + l->n_to; k++) {
			const struct addr_word *w =
				k < l->n_from ? &l->from[k]
					      : &l->to[k - l->n_from];

			if (w->kind == ADDR_SET && differs(w->name, arg))
				return true;
		}
	}
	return false;
}

static bool always(const char *name, const void *arg)
{
	return true;
}

bool policy_uses_sets(const struct policy *p)
{
	return any_set(p, always, NULL);
}

static bool differs(const char *name, const void *arg)
{
	const struct addr_sets *const *sets = arg;

	return !addr_set_same(addr_sets_find(sets[0], name),
			      addr_sets_find(sets[1], name));
}

bool policy_same_with_sets(const struct policy *p,
			   const struct addr_sets *before,
			   const struct addr_sets *after)
{
	const struct addr_sets *const sets[] = { before, after };

	return !any_set(p, differs, sets);
}

struct policy *policy_get(struct policy *p)
{
	if (p)
		p->refs++;
	return p;
}

void policy_put(struct policy *p)
{
	if (!p)
		return;
	BUG_ON(p->refs == 0);
	if (--p->refs > 0)
		return;
	for (unsigned i = 0; i < POLICY_CLASSES; i++)
		match_free(p->classes[i]);
	free(p->words);
	free(p->names);
	free(p->owns);
	free(p->name_addrs);
	source_put(p->source);
	free(p);
}
