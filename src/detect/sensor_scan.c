/*
 * Theory. A field that comes in pieces has a buffer, and a window with the last
 * bytes of it: the next piece is looked at behind those. Where the window begins,
 * see sensor_unwrap_window(). What one piece has in full needs neither.
 *
 * A side has two units: the request or answer of which a parser tells, which ends
 * when the parser says so; and all that the side sends. A sensor may have found
 * one pattern in this and one in that.
 */
#include "detect/sensor_scan.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "detect/sensor_scan_own.h"
#include "detect/sensor_unwrap.h"
#include "wire/app.h"

/* --- scanners, lanes -------------------------------------------------- */

static bool make_pools(struct sensor_scanner *s)
{
	s->conversations =
		calloc(s->opt.conversations + 1u, sizeof *s->conversations);
	s->progress = calloc(s->opt.progress + 1u, sizeof *s->progress);
	s->windows = calloc(s->opt.windows + 1u, sizeof *s->windows);
	s->free_windows = calloc(s->opt.windows + 1u, sizeof *s->free_windows);
	s->match = pcre2_match_data_create(1, NULL);
	s->context = pcre2_match_context_create(NULL);
	s->stack = pcre2_jit_stack_create(SENSOR_PCRE_STACK, SENSOR_PCRE_STACK,
					  NULL);
	return s->conversations && s->progress && s->windows &&
	       s->free_windows && s->match && s->context && s->stack;
}

size_t sensor_scanner_bytes(const struct sensor_scanner_options *o)
{
	const struct sensor_scanner *s = NULL;

	return o->conversations * sizeof *s->conversations +
	       o->progress * sizeof *s->progress +
	       o->windows * (sizeof *s->windows + sizeof *s->free_windows);
}

struct sensor_scanner *
sensor_scanner_new(const struct sensor_scanner_options *o)
{
	struct sensor_scanner *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->opt = *o;
	if (!s->opt.conversations)
		s->opt.conversations = SENSOR_CONVERSATIONS_DEFAULT;
	if (!s->opt.windows)
		s->opt.windows = SENSOR_WINDOWS_DEFAULT;
	if (!s->opt.progress)
		s->opt.progress = SENSOR_PROGRESS_DEFAULT;
	BUG_ON(s->opt.conversations > SENSOR_CONVERSATIONS_MAX ||
	       s->opt.windows > SENSOR_WINDOWS_MAX ||
	       s->opt.progress > SENSOR_PROGRESS_MAX);
	if (!make_pools(s)) {
		sensor_scanner_free(s);
		return NULL;
	}
	(void)pcre2_set_match_limit(s->context, SENSOR_PCRE_STEPS); /* is 0 */
	pcre2_jit_stack_assign(s->context, NULL, s->stack);
	return s;
}

void sensor_scanner_free(struct sensor_scanner *s)
{
	if (!s)
		return;
	pcre2_jit_stack_free(s->stack);
	pcre2_match_context_free(s->context);
	pcre2_match_data_free(s->match);
	free(s->free_windows);
	free(s->windows);
	free(s->progress);
	free(s->conversations);
	free(s);
}

struct sensor_scanner_counts
sensor_scanner_counts(const struct sensor_scanner *s)
{
	return s->counts;
}

uint64_t sensor_limits_met(const struct sensor_scanner *s)
{
	return s->counts.pcre_limit + s->counts.match_limit;
}

struct sensor_lane *sensor_lane_new(const struct sensor_set *set)
{
	struct sensor_lane *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->set = set;
	l->hits = calloc(set->n_exprs + 1u, sizeof *l->hits);
	if (!l->hits ||
	    (set->scratch &&
	     hs_clone_scratch(set->scratch, &l->scratch) != HS_SUCCESS)) {
		l->scratch = NULL;
		sensor_lane_free(l);
		return NULL;
	}
	return l;
}

void sensor_lane_free(struct sensor_lane *l)
{
	if (!l)
		return;
	(void)hs_free_scratch(l->scratch); /* is valid, or NULL */
	free(l->hits);
	free(l);
}

struct sensor_lane *sensor_scanner_adopt(struct sensor_scanner *s,
					 struct sensor_lane *l)
{
	struct sensor_lane *before = s->lane;

	s->lane = l;
	s->epoch++;
	return before;
}

/* --- windows ---------------------------------------------------------- */

static uint32_t take_window(struct sensor_scanner *s)
{
	if (s->n_free_windows > 0)
		return s->free_windows[--s->n_free_windows];
	if (s->windows_ever < s->opt.windows)
		return ++s->windows_ever;
	s->counts.no_window++;
	return 0;
}

static void release(struct sensor_scanner *s, struct sensor_buf *b)
{
	if (b->window)
		s->free_windows[s->n_free_windows++] = b->window;
	*b = (struct sensor_buf){ 0 };
}

/* The end of what was seen, for the next piece. */
static void keep(struct sensor_scanner *s, struct sensor_buf *b,
		 struct bytes seen, bool token)
{
	size_t n = sensor_unwrap_window(seen, s->lane->set->size.window, token);

	if (!b->window)
		b->window = take_window(s);
	b->len = 0;
	if (!b->window)
		return;
	memcpy(s->windows[b->window], seen.end - n, n);
	b->len = (uint16_t)n;
}

/* At most SENSOR_PIECE_MAX bytes of a buffer. */
static void look_on(struct sensor_look *l, struct sensor_buf *b,
		    struct bytes piece, bool ended, bool judged)
{
	struct sensor_scanner *s = l->s;
	size_t n = bytes_len(piece);
	struct sensor_view v = { .bytes = piece, .ended = ended || judged };

	v.begin = b->len == b->pos;
	if (b->len > 0) {
		memcpy(s->joined, s->windows[b->window], b->len);
		if (n > 0)
			memcpy(s->joined + b->len, piece.begin, n);
		v.bytes = bytes_of(s->joined, b->len + n);
	}
	l->pending = false;
	l->spent = false;
	l->token = false;
	if (n > 0 || (ended && b->pending && b->len > 0))
		sensor_look(l, &v);
	b->pos += n;
	b->pending = l->pending;
	if (!ended && n > 0)
		keep(s, b, v.bytes, l->token);
}

/* judged: its end is judged as it is, though more may follow. */
static void look_at(struct sensor_look *l, struct sensor_buf *b,
		    struct bytes piece, bool ended, bool judged)
{
	struct bytes part;

	while (take_bytes(&piece, SENSOR_PIECE_MAX, &part))
		look_on(l, b, part, ended && bytes_len(piece) == 0, judged);
	if (bytes_len(piece) > 0 || ended)
		look_on(l, b, piece, ended, judged);
}

/* --- conversations ---------------------------------------------------- */

void sensor_side_forget(struct sensor_scanner *s, struct sensor_side *side)
{
	for (unsigned i = 0; i < SENSOR_BUFS; i++)
		release(s, &side->bufs[i]);
	release(s, &side->sent_buf);
	sensor_unit_forget(s, &side->told);
	sensor_unit_forget(s, &side->sent);
}

/* NULL: there is nothing to do. */
static struct sensor_conversation *get(struct sensor_scanner *s, uint32_t i)
{
	struct sensor_conversation *c = &s->conversations[i];

	BUG_ON(i > s->opt.conversations || (i && !c->used));
	if (i == 0 || !s->lane)
		return NULL;
	if (c->epoch != s->epoch) {
		/* rules are numbered otherwise now */
		sensor_side_forget(s, &c->sides[PROTO_CLIENT]);
		sensor_side_forget(s, &c->sides[PROTO_SERVER]);
		c->epoch = s->epoch;
		s->counts.restarted++;
	}
	return c;
}

uint32_t sensor_open(struct sensor_scanner *s)
{
	uint32_t i = s->free_conversation;

	if (i)
		s->free_conversation = s->conversations[i].next_free;
	else if (s->conversations_ever < s->opt.conversations)
		i = ++s->conversations_ever;
	if (!i) {
		s->counts.no_conversation++;
		return 0;
	}
	s->conversations[i] = (struct sensor_conversation){
		.used = true,
		.epoch = s->epoch,
	};
	return i;
}

bool sensor_is_open(const struct sensor_scanner *s, uint32_t conversation)
{
	return conversation > 0 && conversation <= s->conversations_ever &&
	       s->conversations[conversation].used;
}

void sensor_known(struct sensor_scanner *s, uint32_t conversation, uint32_t app)
{
	if (conversation)
		s->conversations[conversation].app = app;
}

/* http, or what is a kind of it. */
static bool is_kind_of(uint32_t app, uint32_t of)
{
	/* parents are few: grpc, http2, http */
	for (unsigned i = 0; i < 4 && app; i++) {
		if (app == of)
			return true;
		app = app_parent(app);
	}
	return false;
}

static bool is_sealed(const struct sensor_conversation *c)
{
	return c->app == APP_TLS || c->app == APP_SSH || c->app == APP_QUIC;
}

/* Does no parser tell all that this side says? */
static bool is_all_sent(const struct sensor_conversation *c,
			enum proto_side side)
{
	if (is_kind_of(c->app, APP_HTTP))
		return false;
	return c->app != APP_SMTP || side != PROTO_CLIENT;
}

static struct sensor_look look_of(struct sensor_scanner *s, uint32_t number,
				  struct sensor_uses u, enum proto_side side)
{
	struct sensor_conversation *c = &s->conversations[number];

	return (struct sensor_look){
		.s = s,
		.c = c,
		.uses = u,
		.unit = &c->sides[side].told,
		.number = number,
		.side = (uint8_t)side,
		.all_sent = is_all_sent(c, side),
	};
}

/* --- fields ----------------------------------------------------------- */

enum sensor_place sensor_place_of(enum proto_field f)
{
	switch (f) {
	case FIELD_HTTP_URI_RAW: return SENSOR_PLACE_URL;
	case FIELD_HTTP_HEADER:
	case FIELD_HTTP_COOKIE: return SENSOR_PLACE_HEADER;
	case FIELD_HTTP_REQUEST_BODY:
	case FIELD_HTTP_RESPONSE_BODY:
	case FIELD_GRPC_MESSAGE:
	case FIELD_SMTP_BODY: return SENSOR_PLACE_BODY;
	case FIELD_SQL_TEXT: return SENSOR_PLACE_SQL;
	default: return SENSOR_PLACE__MAX;
	}
}

static bool any_looks(const struct sensor_scanner *s, struct sensor_uses u,
		      enum sensor_place place, bool all_sent)
{
	const struct sensor_set *set = s->lane ? s->lane->set : NULL;

	for (size_t i = 0; set && i < u.n; i++) {
		int64_t n = sensor_set_index(set, u.uses[i].id);
		const struct sensor_rule *r;

		if (n < 0)
			continue;
		r = &set->rules[set->rules_at[n]];
		for (unsigned k = 0; k < r->sensor->n_patterns; k++)
			if (sensor_rule_looks(&r[k], place, all_sent))
				return true;
	}
	return false;
}

bool sensor_wants(const struct sensor_scanner *s, struct sensor_uses u,
		  enum proto_field f)
{
	enum sensor_place place = sensor_place_of(f);

	if (f == FIELD_HTTP_METHOD || f == FIELD_HTTP_HOST ||
	    f == FIELD_HTTP_URI_RAW)
		return s->lane && u.n > 0;
	return place < SENSOR_PLACE__MAX && any_looks(s, u, place, false);
}

bool sensor_wants_sent(const struct sensor_scanner *s, uint32_t conversation,
		       struct sensor_uses u, enum proto_side side)
{
	const struct sensor_conversation *c = &s->conversations[conversation];

	return conversation && !is_sealed(c) &&
	       any_looks(s, u, SENSOR_PLACE_SENT, is_all_sent(c, side));
}

static void copy_part(struct bytes b, char *to, size_t size, uint8_t *len)
{
	size_t n = bytes_len(b);

	if (n > size)
		n = size;
	if (n > 0)
		memcpy(to, b.begin, n);
	*len = (uint8_t)n;
}

/* What a request line is made of. */
static void note_line(struct sensor_conversation *c,
		      const struct proto_piece *p)
{
	switch ((enum proto_field)p->field) {
	case FIELD_HTTP_METHOD:
		copy_part(p->bytes, c->method, sizeof c->method,
			  &c->method_len);
		c->host_len = c->path_len = 0;
		break;
	case FIELD_HTTP_HOST:
		copy_part(p->bytes, c->host, sizeof c->host, &c->host_len);
		break;
	case FIELD_HTTP_URI_RAW:
		copy_part(p->bytes, c->path, sizeof c->path, &c->path_len);
		break;
	default: break;
	}
}

static struct sensor_buf *buf_of(struct sensor_scanner *s,
				 struct sensor_side *side, uint8_t field)
{
	struct sensor_buf *unused = NULL;

	for (unsigned i = 0; i < SENSOR_BUFS; i++) {
		struct sensor_buf *b = &side->bufs[i];

		if (b->used && b->field == field)
			return b;
		if (!b->used)
			unused = b;
	}
	if (!unused) {
		s->counts.no_window++;
		return NULL;
	}
	*unused = (struct sensor_buf){ .used = true, .field = field };
	return unused;
}

/*
 * Nothing can be over its end. Headers come line by line: behind each a new one
 * begins.
 */
static bool is_over(const struct proto_piece *p)
{
	return p->end || (p->field == FIELD_HTTP_HEADER &&
			  bytes_len(p->bytes) > 0 && p->bytes.end[-1] == '\n');
}

enum sensor_action sensor_piece(struct sensor_scanner *s, uint32_t conversation,
				struct sensor_uses u,
				const struct proto_piece *p)
{
	enum sensor_place place = sensor_place_of((enum proto_field)p->field);
	struct sensor_conversation *c = get(s, conversation);
	struct sensor_buf alone = { 0 }, *b = &alone;
	bool over = is_over(p);
	struct sensor_side *side;
	struct sensor_look l;

	if (!c)
		return SENSOR_NOTHING;
	note_line(c, p);
	if (place == SENSOR_PLACE__MAX || u.n == 0)
		return SENSOR_NOTHING;
	l = look_of(s, conversation, u, (enum proto_side)p->side);
	l.place = (uint8_t)place;
	l.unit->seen |= (uint8_t)(1u << place);
	side = &c->sides[p->side];
	if (!p->begin || !p->end)
		b = buf_of(s, side, p->field);
	if (!b)
		b = &alone; /* looked at alone, counted */
	else if (p->begin)
		release(s, b);
	b->used = true;
	b->field = p->field;
	look_at(&l, b, p->bytes, over || b == &alone, false);
	if (over || b == &alone)
		release(s, b);
	return (enum sensor_action)l.worst;
}

enum sensor_action sensor_ended(struct sensor_scanner *s, uint32_t conversation,
				struct sensor_uses u, enum proto_side side)
{
	struct sensor_conversation *c = get(s, conversation);
	struct sensor_look l;

	if (!c)
		return SENSOR_NOTHING;
	l = look_of(s, conversation, u, side);
	for (unsigned i = 0; i < SENSOR_BUFS; i++) {
		struct sensor_buf *b = &c->sides[side].bufs[i];

		if (!b->used)
			continue;
		l.place = (uint8_t)sensor_place_of((enum proto_field)b->field);
		look_at(&l, b, bytes_of(NULL, 0), true, false);
		release(s, b);
	}
	sensor_unit_end(&l);
	return (enum sensor_action)l.worst;
}

/* --- what is sent ----------------------------------------------------- */

enum sensor_action sensor_sent(struct sensor_scanner *s, uint32_t conversation,
			       struct sensor_uses u, enum proto_side side,
			       struct bytes b, bool gap_before)
{
	struct sensor_conversation *c = get(s, conversation);
	struct sensor_look l;

	if (!c || u.n == 0 || is_sealed(c))
		return SENSOR_NOTHING;
	l = look_of(s, conversation, u, side);
	l.unit = &c->sides[side].sent;
	l.place = SENSOR_PLACE_SENT;
	l.unit->seen |= 1u << SENSOR_PLACE_SENT;
	if (gap_before)
		release(s, &c->sides[side].sent_buf);
	look_at(&l, &c->sides[side].sent_buf, b, false, true);
	return (enum sensor_action)l.worst;
}

enum sensor_action sensor_close(struct sensor_scanner *s, uint32_t conversation,
				struct sensor_uses u)
{
	struct sensor_conversation *c = get(s, conversation);
	uint8_t worst = SENSOR_NOTHING;

	if (conversation == 0)
		return SENSOR_NOTHING;
	for (unsigned i = 0; c && i < PROTO_SIDE__MAX; i++) {
		struct sensor_look l =
			look_of(s, conversation, u, (enum proto_side)i);

		uint8_t action = (uint8_t)sensor_ended(s, conversation, u,
						       (enum proto_side)i);

		l.unit = &c->sides[i].sent;
		l.place = SENSOR_PLACE_SENT;
		sensor_unit_end(&l);
		if (action > worst)
			worst = action;
		if (l.worst > worst)
			worst = l.worst;
	}
	c = &s->conversations[conversation];
	sensor_side_forget(s, &c->sides[PROTO_CLIENT]);
	sensor_side_forget(s, &c->sides[PROTO_SERVER]);
	*c = (struct sensor_conversation){ .next_free = s->free_conversation };
	s->free_conversation = conversation;
	return (enum sensor_action)worst;
}
