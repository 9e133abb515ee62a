/*
 * Theory. As in sig_image.c: conversations as they are, by handle; windows' bytes
 * and what was half found one behind the other, in the order of conversations,
 * sides, buffers, units. No link is read.
 *
 * Of a conversation that begins anew (its set is another one, or it has not noticed
 * yet that it is) all is loaded, and let go.
 */
#include <string.h>

#include "base/bug.h"
#include "detect/sensor_scan_own.h"

#define OWNER "sensors"

struct saved_scanner {
	uint64_t fingerprint; /* of the lane; 0: there is none */
	uint32_t epoch;
	struct sensor_scanner_counts counts;
};
IMAGE_PART(saved_scanner, "head", struct saved_scanner, 1);
/* Handles 1, 2, ...; of links it says only that there is something. */
IMAGE_PART(saved_conversations, "conversations", struct sensor_conversation, 1);

struct saved_progress {
	struct sensor_progress is; /* without links, and pointers */
	uint32_t secret;	   /* its number + 1; 0: none */
};
IMAGE_PART(saved_progress, "progress", struct saved_progress, 1);
IMAGE_PART(saved_bytes, "bytes", uint8_t, 1);

static uint64_t fingerprint_of(const struct sensor_scanner *s)
{
	return s->lane ? sensor_set_fingerprint(s->lane->set) : 0;
}

/* --- save --------------------------------------------------------------- */

/* Of a side, one after another; NULL: that was the last. */
static struct sensor_buf *buf_at(struct sensor_side *side, unsigned i)
{
	if (i < SENSOR_BUFS)
		return &side->bufs[i];
	return i == SENSOR_BUFS ? &side->sent_buf : NULL;
}

static uint8_t *save_windows(const struct sensor_scanner *s,
			     struct sensor_side *side, uint8_t *to)
{
	const struct sensor_buf *b;

	for (unsigned i = 0; (b = buf_at(side, i)); i++) {
		if (b->len > 0)
			memcpy(to, s->windows[b->window], b->len);
		to += b->len;
	}
	return to;
}

static void save_bytes(const struct sensor_scanner *s, struct image_writer *w)
{
	const struct sensor_buf *b;
	uint64_t n = 0;
	uint8_t *to;

	for (uint32_t i = 1; i <= s->conversations_ever; i++)
		for (unsigned k = 0; k < PROTO_SIDE__MAX; k++)
			for (unsigned m = 0;
			     (b = buf_at(&s->conversations[i].sides[k], m));
			     m++)
				n += b->len;
	to = image_room(w, OWNER, &saved_bytes, n);
	for (uint32_t i = 1; to && i <= s->conversations_ever; i++)
		for (unsigned k = 0; k < PROTO_SIDE__MAX; k++)
			to = save_windows(s, &s->conversations[i].sides[k], to);
}

static uint32_t number_of(const struct secret_kind *k)
{
	uint32_t i = 0;

	while (k && secret_kind_at(i) != k)
		i++;
	return k ? i + 1 : 0;
}

static struct saved_progress *save_unit(const struct sensor_scanner *s,
					const struct sensor_unit *u,
					struct saved_progress *to)
{
	for (uint32_t i = u->first; i; i = s->progress[i].next) {
		to->is = s->progress[i];
		to->is.next = 0;
		to->is.secret = NULL;
		to->secret = number_of(s->progress[i].secret);
		to++;
	}
	return to;
}

static void save_progress(const struct sensor_scanner *s,
			  struct image_writer *w)
{
	struct saved_progress *to;
	uint64_t n = 0;

	for (uint32_t i = 1; i <= s->conversations_ever; i++)
		for (unsigned k = 0; k < PROTO_SIDE__MAX; k++)
			n += s->conversations[i].sides[k].told.n +
			     s->conversations[i].sides[k].sent.n;
	to = image_room(w, OWNER, &saved_progress, n);
	for (uint32_t i = 1; to && i <= s->conversations_ever; i++)
		for (unsigned k = 0; k < PROTO_SIDE__MAX; k++) {
			struct sensor_side *side =
				&s->conversations[i].sides[k];

			to = save_unit(s, &side->told, to);
			to = save_unit(s, &side->sent, to);
		}
}

void sensor_scanner_save(const struct sensor_scanner *s, struct image_writer *w)
{
	struct saved_scanner head = {
		.fingerprint = fingerprint_of(s),
		.epoch = s->epoch,
		.counts = s->counts,
	};

	image_put(w, OWNER, &saved_scanner, &head, 1);
	image_put(w, OWNER, &saved_conversations, s->conversations + 1,
		  s->conversations_ever);
	save_progress(s, w);
	save_bytes(s, w);
}

/* --- load --------------------------------------------------------------- */

struct loading {
	struct sensor_scanner *s;
	struct saved_scanner head;
	bool same; /* the set */
	/* What is left of them. */
	const struct saved_progress *progress;
	const uint8_t *bytes;
	uint64_t n_progress, n_bytes;
};

/* sent: what a side sends; it is of no field. */
static bool load_buf(struct loading *l, struct sensor_buf *b, bool sent)
{
	struct sensor_scanner *s = l->s;
	bool has = b->window != 0;

	b->window = 0;
	if (!image_is_bool(&b->used) || !image_is_bool(&b->pending) ||
	    (sent && b->used) || (!sent && has && !b->used) ||
	    (b->used &&
	     sensor_place_of((enum proto_field)b->field) == SENSOR_PLACE__MAX))
		return false;
	if (!has)
		return b->len == 0;
	if (b->len > SENSOR_WINDOW_MAX || b->len > l->n_bytes ||
	    s->windows_ever == s->opt.windows)
		return false;
	b->window = ++s->windows_ever;
	if (b->len > 0)
		memcpy(s->windows[b->window], l->bytes, b->len);
	l->bytes += b->len;
	l->n_bytes -= b->len;
	return true;
}

static bool ends(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

/* set: NULL: it is not needed any more. */
static bool progress_is_sound(const struct sensor_progress *p,
			      const struct sensor_set *set)
{
	const struct sensor_evidence *e = &p->evidence;
	unsigned count;

	if (!image_is_bool(&p->done) || p->n > SENSOR_COUNT_MAX ||
	    p->where >= SENSOR_WHERE__MAX || p->depth > SENSOR_DEPTH ||
	    !ends(e->match, sizeof e->match) ||
	    !ends(e->before, sizeof e->before) ||
	    !ends(e->after, sizeof e->after))
		return false;
	if (!set)
		return true;
	if (p->rule >= set->n_rules)
		return false;
	count = set->rules[p->rule].pattern->count;
	return p->done ? p->n == count : p->n < count;
}

static const struct secret_kind *secret_of(uint32_t number)
{
	uint32_t i = 0;

	while (i + 1 < number && secret_kind_at(i))
		i++;
	return number ? secret_kind_at(i) : NULL;
}

/* The first n of those that are left; the list ends up in their order. */
static bool load_unit(struct loading *l, struct sensor_unit *u,
		      const struct sensor_set *set)
{
	struct sensor_scanner *s = l->s;
	uint32_t *link = &u->first;

	u->first = 0;
	if (u->n > SENSOR_PROGRESS_REQUEST || u->n > l->n_progress ||
	    u->n > s->opt.progress - s->progress_ever)
		return false;
	l->n_progress -= u->n;
	for (unsigned n = u->n; n > 0; n--) {
		struct sensor_progress *p = &s->progress[++s->progress_ever];
		struct saved_progress saved = *l->progress++;

		*p = saved.is;
		p->next = 0;
		p->secret = secret_of(saved.secret);
		*link = s->progress_ever;
		link = &p->next;
		if (!progress_is_sound(p, set) || (saved.secret && !p->secret))
			return false;
	}
	return true;
}

static bool load_side(struct loading *l, struct sensor_side *side,
		      const struct sensor_set *set)
{
	struct sensor_buf *b;

	for (unsigned i = 0; (b = buf_at(side, i)); i++)
		if (!load_buf(l, b, i == SENSOR_BUFS))
			return false;
	return load_unit(l, &side->told, set) && load_unit(l, &side->sent, set);
}

static bool load_conversation(struct loading *l, struct sensor_conversation *c)
{
	struct sensor_scanner *s = l->s;
	bool goes_on = l->same && c->epoch == l->head.epoch;

	if (c->method_len > sizeof c->method || c->host_len > sizeof c->host ||
	    c->path_len > sizeof c->path)
		return false;
	c->epoch = goes_on ? s->epoch : s->epoch - 1;
	for (unsigned i = 0; i < PROTO_SIDE__MAX; i++)
		if (!load_side(l, &c->sides[i], goes_on ? s->lane->set : NULL))
			return false;
	for (unsigned i = 0; !goes_on && i < PROTO_SIDE__MAX; i++)
		sensor_side_forget(s, &c->sides[i]);
	return true;
}

static bool load_conversations(struct loading *l, const struct image_reader *r)
{
	struct sensor_scanner *s = l->s;
	uint64_t n;
	const struct sensor_conversation *from =
		image_get(r, OWNER, &saved_conversations, &n);

	l->progress = image_get(r, OWNER, &saved_progress, &l->n_progress);
	l->bytes = image_get(r, OWNER, &saved_bytes, &l->n_bytes);
	if (!from || !l->progress || !l->bytes || n > s->opt.conversations)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		struct sensor_conversation *c =
			&s->conversations[++s->conversations_ever];

		*c = from[i];
		if (!image_is_bool(&c->used))
			return false;
		if (!c->used)
			*c = (struct sensor_conversation){ .used = false };
		else if (!load_conversation(l, c))
			return false;
	}
	for (uint32_t i = s->conversations_ever; i > 0; i--)
		if (!s->conversations[i].used) {
			s->conversations[i].next_free = s->free_conversation;
			s->free_conversation = i;
		}
	return l->n_progress == 0 && l->n_bytes == 0;
}

static void forget_all(struct sensor_scanner *s)
{
	memset(s->conversations, 0,
	       (s->conversations_ever + 1u) * sizeof *s->conversations);
	s->conversations_ever = s->free_conversation = 0;
	s->progress_ever = s->free_progress = 0;
	s->windows_ever = s->n_free_windows = 0;
}

bool sensor_scanner_load(struct sensor_scanner *s, const struct image_reader *r)
{
	struct loading l = { .s = s };

	BUG_ON(s->conversations_ever > 0);
	if (!image_take(r, OWNER, &saved_scanner, &l.head, 1))
		return false;
	l.same = s->lane && l.head.fingerprint == fingerprint_of(s);
	if (!load_conversations(&l, r)) {
		forget_all(s);
		return false;
	}
	s->counts = l.head.counts;
	return true;
}
