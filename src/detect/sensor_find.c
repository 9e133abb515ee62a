/*
 * Theory. In each view Vectorscan says which expressions may match, and
 * secret_seek_next() where those of numbers may; PCRE2 says whether, and where. A match counts once by its hash: the same bytes are seen
 * again in the window, and in each way that they can be unwrapped.
 *
 * A match that begins with a view's first byte, and is not the buffer's beginning,
 * may be the end of something longer; so it is looked for from the second on. One
 * of a secret that ends with the view's last byte waits for what follows
 * (pending), unless nothing does.
 */
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "base/unset.h"
#include "detect/sensor_scan_own.h"
#include "detect/sensor_show.h"
#include "detect/sensor_unwrap.h"
#include "wire/app.h"

/* An expression, tried in a view from one place after another. */
struct trial {
	const struct sensor_expr *expr;
	size_t at;  /* the next place */
	unsigned n; /* matches */
	bool open;  /* more follows the view */
	bool pending;
};

uint8_t sensor_uses_action(struct sensor_uses u, uint32_t id)
{
	size_t low = 0, high = u.n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (u.uses[mid].id == id)
			return u.uses[mid].action;
		if (u.uses[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return SENSOR_NOTHING;
}

/* --- progress --------------------------------------------------------- */

static struct sensor_progress *find(const struct sensor_look *l,
				    const struct sensor_unit *u, uint32_t rule)
{
	uint32_t i = u->first;

	while (i && l->s->progress[i].rule != rule)
		i = l->s->progress[i].next;
	return i ? &l->s->progress[i] : NULL;
}

/* In the request, or in what is sent. */
static struct sensor_progress *find_any(const struct sensor_look *l,
					uint32_t rule)
{
	struct sensor_side *side = &l->c->sides[l->side];
	struct sensor_progress *p = find(l, &side->told, rule);

	return p ? p : find(l, &side->sent, rule);
}

static struct sensor_progress *take_progress(struct sensor_look *l,
					     uint32_t rule)
{
	struct sensor_scanner *s = l->s;
	struct sensor_unit *u = l->unit;
	uint32_t i = s->free_progress;

	if (u->n == SENSOR_PROGRESS_REQUEST)
		i = 0;
	else if (i)
		s->free_progress = s->progress[i].next;
	else if (s->progress_ever < s->opt.progress)
		i = ++s->progress_ever;
	if (!i) {
		s->counts.no_progress++;
		return NULL;
	}
	s->progress[i] =
		(struct sensor_progress){ .rule = rule, .next = u->first };
	u->first = i;
	u->n++;
	return &s->progress[i];
}

void sensor_unit_forget(struct sensor_scanner *s, struct sensor_unit *u)
{
	for (uint32_t i = u->first, next; i; i = next) {
		next = s->progress[i].next;
		s->progress[i].next = s->free_progress;
		s->free_progress = i;
	}
	*u = (struct sensor_unit){ 0 };
}

/* --- telling ---------------------------------------------------------- */

static uint8_t where_of(const struct sensor_look *l)
{
	static const uint8_t wheres[] = {
		[SENSOR_PLACE_URL] = SENSOR_URL,
		[SENSOR_PLACE_HEADER] = SENSOR_HEADER,
		[SENSOR_PLACE_BODY] = SENSOR_BODY,
		[SENSOR_PLACE_SQL] = SENSOR_SQL,
		[SENSOR_PLACE_SENT] = SENSOR_PACKET,
	};

	return wheres[l->place];
}

static void write_line(const struct sensor_conversation *c,
		       char to[static SENSOR_LINE_BYTES])
{
	char method[SENSOR_METHOD_BYTES + 1], host[SENSOR_HOST_BYTES + 1];
	char path[SENSOR_PATH_BYTES + 1];

	to[0] = '\0';
	if (c->method_len == 0 && c->path_len == 0)
		return;
	sensor_show_text(bytes_of(c->method, c->method_len), true, method,
			 sizeof method);
	sensor_show_text(bytes_of(c->host, c->host_len), true, host,
			 sizeof host);
	sensor_show_text(bytes_of(c->path, c->path_len), true, path,
			 sizeof path);
	(void)snprintf(to, SENSOR_LINE_BYTES, "%s %s%s", method, host, path);
}

/* p: what is shown of it; NULL: nothing had to be there. */
static void tell(struct sensor_look *l, uint32_t rule,
		 const struct sensor_progress *p, struct bytes match,
		 struct bytes around)
{
	const struct sensor_rule *r = &l->s->lane->set->rules[rule];
	struct sensor_told t = {
		.sensor = r->sensor,
		.pattern = r->pattern,
		.secret = p ? p->secret : NULL,
		.where = p ? p->where : r->pattern->where,
		.side = l->side,
		.action = sensor_uses_action(l->uses, r->sensor->id),
		.depth = p ? p->depth : 0,
		.count = p ? p->n : 0,
		.match = match,
		.around = around,
		.evidence = p ? &p->evidence : NULL,
	};

	if (t.action == SENSOR_NOTHING)
		return;
	write_line(l->c, t.line);
	if (t.action > l->worst)
		l->worst = t.action;
	l->s->counts.told++;
	if (l->s->opt.told)
		l->s->opt.told(l->s->opt.arg, l->number, &t);
}

/* Are all patterns there that have to be? *negated: some must not. */
static bool is_there(const struct sensor_look *l, const struct sensor_rule *r,
		     bool *negated)
{
	*negated = false;
	for (unsigned i = 0; i < r->sensor->n_patterns; i++) {
		const struct sensor_progress *p;

		if (r->sensor->patterns[i].negated) {
			*negated = true;
			continue;
		}
		p = find_any(l, r->first + i);
		if (!p || !p->done)
			return false;
	}
	return true;
}

/*
 * The end of what is before a match, or the beginning of what is behind. More is
 * looked at: what is shown may begin within a number.
 */
static void show_beside(struct bytes b, bool before,
			char to[static SENSOR_AROUND_BYTES + 1])
{
	char text[SENSOR_RAW_BYTES + 1], *from = text;
	size_t len;

	if (bytes_len(b) > SENSOR_RAW_BYTES && before)
		b.begin = b.end - SENSOR_RAW_BYTES;
	if (bytes_len(b) > SENSOR_RAW_BYTES)
		b.end = b.begin + SENSOR_RAW_BYTES;
	sensor_show_text(b, false, text, sizeof text);
	len = strlen(text);
	if (len > SENSOR_AROUND_BYTES) {
		from += before ? len - SENSOR_AROUND_BYTES : 0;
		len = SENSOR_AROUND_BYTES;
	}
	memcpy(to, from, len);
	to[len] = '\0';
}

static void show(const struct sensor_look *l, const struct sensor_rule *r,
		 struct sensor_progress *p, struct bytes match,
		 const struct sensor_view *v)
{
	struct bytes before = { v->bytes.begin, match.begin };
	struct bytes after = { match.end, v->bytes.end };
	bool attack = r->sensor->kind == SENSOR_WAF && !p->secret;

	sensor_show_match(p->secret, attack, match, p->evidence.match,
			  sizeof p->evidence.match);
	show_beside(before, true, p->evidence.before);
	show_beside(after, false, p->evidence.after);
	p->where = where_of(l);
	p->depth = v->depth;
}

static uint32_t hash_of(struct bytes b)
{
	uint64_t h = XXH3_64bits(b.begin, bytes_len(b));

	return (uint32_t)(h ^ h >> 32);
}

static bool is_known(const struct sensor_progress *p, uint32_t hash)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->hashes[i] == hash)
			return true;
	return false;
}

/* A rule's expression matches there. */
static void add_match(struct sensor_look *l, uint32_t rule,
		      const struct secret_kind *secret, struct bytes match,
		      const struct sensor_view *v)
{
	const struct sensor_rule *r = &l->s->lane->set->rules[rule];
	struct sensor_progress *p = find_any(l, rule), alone = { .rule = rule };
	uint32_t hash = hash_of(match);
	struct bytes around = match;
	bool negated;

	if (!p)
		p = take_progress(l, rule);
	if (!p && r->sensor->n_patterns == 1 && r->pattern->count == 1)
		p = &alone;
	if (!p || is_known(p, hash))
		return;
	p->hashes[p->n++] = hash;
	p->secret = secret;
	show(l, r, p, match, v);
	if (p->n < r->pattern->count)
		return;
	p->done = true;
	if (r->pattern->negated)
		return;
	if (match.begin - v->bytes.begin > SENSOR_RAW_BYTES)
		around.begin -= SENSOR_RAW_BYTES;
	else
		around.begin = v->bytes.begin;
	if (v->bytes.end - match.end > SENSOR_RAW_BYTES)
		around.end += SENSOR_RAW_BYTES;
	else
		around.end = v->bytes.end;
	if (p == &alone || (is_there(l, r, &negated) && !negated))
		tell(l, rule, p, match, around);
}

/* --- the end of a unit ------------------------------------------------ */

/* Is a pattern there that must not be? */
static bool is_spoilt(const struct sensor_look *l, const struct sensor_rule *r)
{
	for (unsigned i = 0; i < r->sensor->n_patterns; i++) {
		const struct sensor_progress *p;

		if (!r->sensor->patterns[i].negated)
			continue;
		p = find_any(l, r->first + i);
		if (p && p->done)
			return true;
	}
	return false;
}

/* Of a sensor that asks for something not to be there, all the rest is. */
static void judge(struct sensor_look *l, const struct sensor_rule *r)
{
	const struct sensor_progress *p = NULL;
	uint32_t rule = r->first;
	bool negated;
	uint8_t places = 0;

	if (!is_there(l, r, &negated) || !negated || is_spoilt(l, r))
		return;
	for (unsigned i = 0; i < r->sensor->n_patterns && !p; i++) {
		const struct sensor_rule *other =
			&l->s->lane->set->rules[r->first + i];

		if (other->pattern->negated) {
			for (unsigned k = 0; k < SENSOR_PLACE__MAX; k++)
				if (sensor_rule_looks(other,
						      (enum sensor_place)k,
						      l->all_sent))
					places |= (uint8_t)(1u << k);
			continue;
		}
		p = find_any(l, r->first + i);
		rule = r->first + i;
	}
	/* nothing that it could have been in was there */
	if (!p && !(places & l->unit->seen))
		return;
	tell(l, rule, p, bytes_of(NULL, 0), bytes_of(NULL, 0));
}

void sensor_unit_end(struct sensor_look *l)
{
	const struct sensor_set *set = l->s->lane->set;

	/* few: what counts for one workload */
	for (size_t i = 0; l->unit->seen && set->has_negated && i < l->uses.n;
	     i++) {
		int64_t n = sensor_set_index(set, l->uses.uses[i].id);

		if (n >= 0)
			judge(l, &set->rules[set->rules_at[n]]);
	}
	sensor_unit_forget(l->s, l->unit);
}

/* --- one view --------------------------------------------------------- */

/* Is there something left for it to find here? */
static bool is_open(const struct sensor_look *l, uint32_t rule)
{
	const struct sensor_rule *r = &l->s->lane->set->rules[rule];
	const struct sensor_progress *p;

	if (!sensor_rule_looks(r, (enum sensor_place)l->place, l->all_sent) ||
	    !sensor_uses_action(l->uses, r->sensor->id))
		return false;
	p = find_any(l, rule);
	return !p || !p->done;
}

static bool any_open(const struct sensor_look *l, const struct sensor_expr *e)
{
	const uint32_t *uses = &l->s->lane->set->uses[e->uses_at];

	for (uint32_t i = 0; i < e->n_uses; i++)
		if (is_open(l, uses[i]))
			return true;
	return false;
}

/* PCRE2 asks whether that is a match; not 0: it is to try another way. */
static int on_callout(pcre2_callout_block *b, void *arg)
{
	struct trial *t = arg;
	const struct secret_kind *secret = t->expr->secret;
	struct bytes match = { b->subject + b->start_match,
			       b->subject + b->current_position };

	if (!secret) /* somebody's own "(?C)" */
		return 0;
	if (secret->check && !secret->check(match))
		return 1;
	if (t->open && b->current_position == b->subject_length) {
		t->pending = true;
		return 1;
	}
	return 0;
}

static void on_match(struct sensor_look *l, const struct sensor_expr *e,
		     struct bytes match, const struct sensor_view *v)
{
	const uint32_t *uses = &l->s->lane->set->uses[e->uses_at];

	for (uint32_t i = 0; i < e->n_uses; i++)
		if (is_open(l, uses[i]))
			add_match(l, uses[i], e->secret, match, v);
}

static struct trial trial_of(const struct sensor_expr *e,
			     const struct sensor_view *v)
{
	return (struct trial){
		.expr = e,
		.at = v->begin ? 0 : 1,
		.open = !v->ended,
	};
}

/*
 * The first match from t->at on; of those that are sought, the one that begins
 * there. false: there is none.
 */
static bool try_once(struct sensor_look *l, struct trial *t,
		     const struct sensor_view *v)
{
	struct sensor_scanner *s = l->s;
	uint32_t flags = (v->begin ? 0 : PCRE2_NOTBOL) |
			 (v->ended ? 0 : PCRE2_NOTEOL);
	const PCRE2_SIZE *ends;
	struct bytes match;
	int rc;

	(void)pcre2_set_callout(s->context, on_callout, t); /* is 0 */
	rc = pcre2_match(t->expr->code, v->bytes.begin, bytes_len(v->bytes),
			 t->at, flags, s->match, s->context);
	if (rc < 0 && rc != PCRE2_ERROR_NOMATCH) {
		s->counts.pcre_limit++;
		l->spent = true;
	}
	l->pending |= t->pending;
	/* "a$" is one when nothing follows */
	l->pending |= rc < 0 && !v->ended && !t->expr->secret;
	if (rc < 0)
		return false;
	ends = pcre2_get_ovector_pointer(s->match);
	if (ends[0] > ends[1]) /* \K in a look-ahead */
		return false;
	match = bytes_of(v->bytes.begin + ends[0], ends[1] - ends[0]);
	t->at = ends[1] > t->at ? ends[1] : t->at + 1;
	on_match(l, t->expr, match, v);
	return true;
}

/* May there be something for it to find? */
static bool goes_on(struct sensor_look *l, const struct trial *t)
{
	if (!any_open(l, t->expr))
		return false;
	if (t->n < SENSOR_MATCHES_MAX)
		return true;
	l->s->counts.match_limit++;
	return false;
}

static void try_expr(struct sensor_look *l, const struct sensor_expr *e,
		     const struct sensor_view *v)
{
	struct trial t = trial_of(e, v);

	while (t.at <= bytes_len(v->bytes) && goes_on(l, &t) &&
	       try_once(l, &t, v))
		t.n++;
}

/* Kinds that may begin at a place, one after another. */
static void try_sought(struct sensor_look *l, struct trial *trials,
		       uint32_t *kinds, uint32_t may, size_t at,
		       const struct sensor_view *v)
{
	for (; may && !l->spent; may &= may - 1) {
		unsigned i = (unsigned)__builtin_ctz(may);
		struct trial *t = &trials[i];
		const struct secret_kind *k = t->expr->secret;
		struct bytes from = { v->bytes.begin + at, v->bytes.end };

		if (at < t->at || (k->likely && !k->likely(from)))
			continue;
		t->at = at;
		if (!goes_on(l, t))
			*kinds &= ~(1u << i);
		else
			t->n += try_once(l, t, v);
	}
}

static void seek(struct sensor_look *l, const struct sensor_view *v)
{
	const struct sensor_set *set = l->s->lane->set;
	struct secret_path p = secret_path_of(v->bytes);
	UNSET struct trial trials[SECRETS_SOUGHT_MAX];
	uint32_t kinds = set->sought_at[l->place], may;
	size_t at;

	for (unsigned i = 0; i < set->seek.n; i++)
		trials[i] = trial_of(&set->exprs[set->sought[i]], v);
	while (kinds && !l->spent &&
	       secret_seek_next(&set->seek, kinds, &p, &at, &may))
		try_sought(l, trials, &kinds, may, at, v);
}

static int on_hit(unsigned id, unsigned long long from, unsigned long long to,
		  unsigned flags, void *arg)
{
	struct sensor_lane *lane = arg;

	(void)from;
	(void)to;
	(void)flags;
	/* each once: HS_FLAG_SINGLEMATCH */
	lane->hits[lane->n_hits++] = id;
	return 0;
}

static void scan(struct sensor_look *l, const struct sensor_view *v)
{
	struct sensor_lane *lane = l->s->lane;
	const struct sensor_set *set = lane->set;
	size_t len = bytes_len(v->bytes);

	l->s->counts.views++;
	l->s->counts.scanned_bytes += len;
	lane->n_hits = 0;
	if (set->dbs[l->place])
		(void)hs_scan(set->dbs[l->place], (const char *)v->bytes.begin,
			      (unsigned)len, 0, lane->scratch, on_hit,
			      lane); /* nothing ends it early */
	l->s->counts.candidates += lane->n_hits;
	for (uint32_t i = 0; i < lane->n_hits && !l->spent; i++) {
		const struct sensor_expr *e = &set->exprs[lane->hits[i]];

		l->token |= e->secret && e->secret->is_long;
		try_expr(l, e, v);
	}
	for (uint32_t i = 0; i < set->n_unfiltered && !l->spent; i++)
		try_expr(l, &set->exprs[set->unfiltered[i]], v);
	seek(l, v);
}

/* NOLINTNEXTLINE(misc-no-recursion): SENSOR_DEPTH deep */
void sensor_look(struct sensor_look *l, const struct sensor_view *v)
{
	uint8_t *to;
	size_t len;
	struct sensor_view inner = *v;

	scan(l, v);
	if (v->depth == SENSOR_DEPTH || l->spent)
		return;
	inner.depth++;
	to = l->s->unwrapped[v->depth];
	len = sensor_unwrap_text(v->bytes, to);
	inner.bytes = bytes_of(to, len);
	if (len > 0)
		sensor_look(l, &inner);
	len = sensor_unwrap_base64(v->bytes, !v->begin, !v->ended, to,
				   sizeof l->s->unwrapped[v->depth]);
	inner.bytes = bytes_of(to, len);
	/* lines of their own: nothing is before the first */
	inner.begin = true;
	if (len > 0 && !l->spent)
		sensor_look(l, &inner);
}
