/*
 * Theory. A chain is tried as Suricata does: a content is searched for from
 * where it may begin; where it is found, the next item is tried, and if that or
 * a later one does not match, the next place of this one. Places are counted
 * from the buffer's beginning (64 bits), of which the view shows a part.
 *
 * What does not match because the view ends is told (more), unless nothing
 * follows: something looked for may still come, something that must not be
 * there, too.
 *
 * Hostile bytes could make this slow: each search costs what it may read, and
 * there is a budget for all of one buffer; an expression has a limit of its own
 * in PCRE2's count.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "detect/sig_match.h"

#include <errno.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "detect/sig_transform.h"

struct sig_matcher {
	pcre2_match_data *match;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
	int64_t work;
	bool spent;
	uint32_t variables[SIG_VARIABLES_MAX];
	uint8_t decoded[SIG_BASE64_MAX];
	struct sig_matcher_counts counts;
};

/* One trial of a chain. */
struct trial {
	struct sig_matcher *m;
	const struct sig_step *steps;
	unsigned n;
	const struct sig_view *v;
	int64_t end; /* of the view, in the buffer */
	bool more;
	int64_t far;	 /* end of the furthest that matched so far; -1 */
	int64_t min_end; /* that it has to be behind, if there is any */
	bool has_spot;
	struct sig_spot spot;
};

struct sig_matcher *sig_matcher_new(void)
{
	struct sig_matcher *m = calloc(1, sizeof *m);

	if (!m)
		return NULL;
	m->match = pcre2_match_data_create(1, NULL);
	m->context = pcre2_match_context_create(NULL);
	m->stack = pcre2_jit_stack_create(SIG_PCRE_STACK, SIG_PCRE_STACK, NULL);
	if (!m->match || !m->context || !m->stack) {
		sig_matcher_free(m);
		return NULL;
	}
	(void)pcre2_set_match_limit(m->context, SIG_PCRE_STEPS); /* is 0 */
	pcre2_jit_stack_assign(m->context, NULL, m->stack);
	return m;
}

void sig_matcher_free(struct sig_matcher *m)
{
	if (!m)
		return;
	pcre2_jit_stack_free(m->stack);
	pcre2_match_context_free(m->context);
	pcre2_match_data_free(m->match);
	free(m);
}

void sig_matcher_begin(struct sig_matcher *m)
{
	m->work = SIG_WORK_MAX;
	m->spent = false;
}

void sig_matcher_count_from(struct sig_matcher *m, struct sig_matcher_counts c)
{
	m->counts = c;
}

struct sig_matcher_counts sig_matcher_counts(const struct sig_matcher *m)
{
	return m->counts;
}

/* So many bytes were looked at; false: there is no budget for more. */
static bool charge(struct sig_matcher *m, int64_t bytes)
{
	m->work -= bytes + SIG_WORK_EACH;
	if (m->work >= 0)
		return true;
	m->counts.work_limit += !m->spent;
	m->spent = true;
	return false;
}

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static bool same_nocase(const uint8_t *a, const uint8_t *lower_b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (lower(a[i]) != lower_b[i])
			return false;
	return true;
}

/* The next of c or its other case; NULL: none. */
static const uint8_t *next_of(const uint8_t *at, const uint8_t *end, uint8_t c)
{
	size_t len = (size_t)(end - at);
	const uint8_t *a = memchr(at, c, len), *b;

	if (c < 'a' || c > 'z')
		return a;
	b = memchr(at, c & 0xdf, a ? (size_t)(a - at) : len);
	return b ? b : a;
}

/* bytes is in lower case; NULL: it is not there. */
static const uint8_t *find_nocase(const uint8_t *at, const uint8_t *end,
				  const uint8_t *bytes, size_t len)
{
	while ((size_t)(end - at) >= len) {
		at = next_of(at, end - len + 1, bytes[0]);
		if (!at || same_nocase(at, bytes, len))
			return at;
		at++;
	}
	return NULL;
}

/* Where the content is in [from, to) of the buffer; -1: it is not. */
static int64_t find(struct trial *t, const struct sig_step *s, int64_t from,
		    int64_t to)
{
	const uint8_t *begin = t->v->bytes.begin, *at;
	int64_t pos = (int64_t)t->v->pos;
	size_t len = s->item->len;

	if (from < pos)
		from = pos;
	if (to > t->end)
		to = t->end;
	if (to - from < (int64_t)len)
		return -1;
	at = begin + (from - pos);
	if (s->item->nocase)
		at = find_nocase(at, begin + (to - pos), s->bytes, len);
	else
		at = memmem(at, (size_t)(to - from), s->bytes, len);
	if (at)
		to = at - begin + pos;
	/* what was found when there was no budget left is not found */
	return charge(t->m, to - from) && at ? to : -1;
}

static int64_t number(const struct trial *t, struct sig_number n)
{
	return n.variable ? (int64_t)t->m->variables[n.variable - 1] : n.value;
}

#define UNLIMITED INT64_MAX

/* Where it may begin, and must have ended. */
static void range_of(const struct trial *t, const struct sig_item *c,
		     int64_t prev, int64_t *from, int64_t *to)
{
	*to = UNLIMITED;
	if (c->relative) {
		*from = prev + (c->has_distance ? number(t, c->distance) : 0);
		if (c->has_within)
			*to = *from + number(t, c->within);
	} else {
		*from = c->has_offset ? number(t, c->offset) : 0;
		if (c->startswith)
			*to = c->len;
		else if (c->has_depth)
			*to = *from + number(t, c->depth);
	}
	/* the last bytes only, if they are to be the last */
	if (c->endswith && t->end - c->len > *from)
		*from = t->end - c->len;
}

static bool try_step(struct trial *t, unsigned i, int64_t prev);

static void note_spot(struct trial *t, unsigned i, int64_t at, int64_t len)
{
	if (t->has_spot && i > 0)
		return;
	t->has_spot = true;
	t->spot = (struct sig_spot){ (uint64_t)at, (uint32_t)len };
}

/* Does the step after i go on from where it ended? */
static bool is_followed(const struct trial *t, unsigned i)
{
	return i + 1 < t->n;
}

/* Item i has matched, and ended there: the rest of the chain. */
/* NOLINTNEXTLINE(misc-no-recursion): as deep as the chain has items */
static bool go_on(struct trial *t, unsigned i, int64_t end)
{
	int64_t far = t->far;

	if (end > far)
		t->far = end;
	if (try_step(t, i + 1, end))
		return true;
	t->far = far;
	return false;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the chain has items */
static bool try_not_content(struct trial *t, unsigned i, int64_t prev,
			    int64_t from, int64_t to)
{
	const struct sig_step *s = &t->steps[i];

	/* where it ends is not known yet */
	if (!t->v->ended && s->item->endswith) {
		t->more = true;
		return false;
	}
	if (find(t, s, from, to) >= 0 || t->m->spent)
		return false;
	if (!t->v->ended && to > t->end) {
		t->more = true;
		return false;
	}
	return try_step(t, i + 1, prev);
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the chain has items */
static bool try_content(struct trial *t, unsigned i, int64_t prev)
{
	const struct sig_step *s = &t->steps[i];
	const struct sig_item *c = s->item;
	int64_t from, to, at;

	range_of(t, c, prev, &from, &to);
	if (c->negated)
		return try_not_content(t, i, prev, from, to);
	if (c->endswith && !t->v->ended) {
		t->more = true;
		return false;
	}
	while ((at = find(t, s, from, to)) >= 0) {
		note_spot(t, i, at, c->len);
		if (go_on(t, i, at + c->len))
			return true;
		if (t->m->spent)
			return false;
		from = at + 1;
		if (!is_followed(t, i) && at + c->len > t->min_end)
			return false;
	}
	t->more |= to > t->end;
	return false;
}

/*
 * From `from` on, in what begins at `base`: '^', and what looks behind, see from
 * there on. 1: it matches at *ret_at, *ret_end; 0: not; -1: a limit was met
 */
static int search_pcre(struct trial *t, const struct sig_step *s, int64_t base,
		       int64_t from, int64_t *ret_at, int64_t *ret_end)
{
	int64_t pos = (int64_t)t->v->pos;
	uint32_t options = t->v->ended ? 0 : PCRE2_NOTEOL;
	const size_t *ends;
	int r;

	if (base < pos) {
		base = pos;
		options |= PCRE2_NOTBOL;
	}
	if (from < base)
		from = base;
	if (from > t->end || !charge(t->m, t->end - from))
		return 0;
	r = pcre2_match(s->code, t->v->bytes.begin + (base - pos),
			(size_t)(t->end - base), (size_t)(from - base), options,
			t->m->match, t->m->context);
	if (r == PCRE2_ERROR_NOMATCH)
		return 0;
	if (r < 0) {
		t->m->counts.pcre_limit++;
		return -1;
	}
	ends = pcre2_get_ovector_pointer(t->m->match);
	*ret_at = base + (int64_t)ends[0];
	*ret_end = base + (int64_t)ends[1];
	return 1;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the chain has items */
static bool try_pcre(struct trial *t, unsigned i, int64_t prev)
{
	const struct sig_step *s = &t->steps[i];
	int64_t base = s->item->relative ? prev : 0, from = base, at, end;
	int r;

	for (;;) {
		r = search_pcre(t, s, base, from, &at, &end);
		if (s->item->negated) {
			t->more |= r == 0 && !t->v->ended;
			return r == 0 && t->v->ended && !t->m->spent &&
			       try_step(t, i + 1, prev);
		}
		if (r <= 0) {
			t->more |= r == 0;
			return false;
		}
		note_spot(t, i, at, end - at);
		if (go_on(t, i, end))
			return true;
		if (t->m->spent || (!is_followed(t, i) && end > t->min_end))
			return false;
		from = at + 1;
	}
}

static int digit_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* Digits at [at, at + n) of the view; false: there is none. */
static bool text_value(const uint8_t *at, size_t n, unsigned base,
		       uint64_t *ret)
{
	bool any = false;
	uint64_t v = 0;

	for (; n > 0 && *at == ' '; n--)
		at++;
	for (; n > 0; n--, at++) {
		int digit = digit_value(*at);

		if (digit >= (int)base)
			break;
		any = true;
		v = v > UINT64_MAX / 16 ? v : v * base + (unsigned)digit;
	}
	*ret = v;
	return any;
}

/* The number that the item names; *ret_end is behind it. */
static bool read_value(struct trial *t, const struct sig_item *item,
		       int64_t prev, uint64_t *ret, int64_t *ret_end)
{
	const struct sig_byte *b = &item->byte;
	int64_t at = (item->relative ? prev : 0) + number(t, item->offset);
	int64_t n = b->n_bytes;
	const uint8_t *p;
	uint64_t v = 0;

	if (at < (int64_t)t->v->pos)
		return false;
	if (at + n > t->end) {
		t->more = true;
		return false;
	}
	p = t->v->bytes.begin + (at - (int64_t)t->v->pos);
	*ret_end = at + n;
	if (b->string)
		return text_value(p, (size_t)n, b->base, ret);
	for (int64_t i = 0; i < n; i++)
		v = v << 8 | p[b->little ? n - 1 - i : i];
	if (b->mask)
		v = (v & b->mask) >> __builtin_ctz(b->mask);
	*ret = v;
	return true;
}

static bool compare(const struct trial *t, const struct sig_byte *b, uint64_t v)
{
	uint64_t w = b->against_variable
			     ? t->m->variables[b->against_variable - 1]
			     : b->against;
	bool yes = false;

	switch ((enum sig_compare)b->compare) {
	case SIG_EQ: yes = v == w; break;
	case SIG_LT: yes = v < w; break;
	case SIG_GT: yes = v > w; break;
	case SIG_LE: yes = v <= w; break;
	case SIG_GE: yes = v >= w; break;
	case SIG_AND: yes = (v & w) != 0; break;
	case SIG_XOR: yes = (v ^ w) != 0; break;
	}
	return yes != b->not ;
}

/* Where a jump leads; false: nowhere in the buffer. */
static bool jump(struct trial *t, const struct sig_byte *b, uint64_t v,
		 int64_t end, int64_t *ret)
{
	int64_t by, to;

	if (v > INT32_MAX)
		return false;
	by = (int64_t)v * b->multiplier;
	if (b->align)
		by = (by + b->align - 1) / b->align * b->align;
	if (b->from_end && !t->v->ended) {
		t->more = true;
		return false;
	}
	to = (b->from_beginning ? 0
	      : b->from_end	? t->end
				: end) +
	     (b->from_end ? -by : by) + b->post_offset;
	if (to < 0)
		return false;
	if (to > t->end) {
		t->more = true;
		return false;
	}
	*ret = to;
	return true;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the chain has items */
static bool try_bytes(struct trial *t, unsigned i, int64_t prev)
{
	const struct sig_item *item = t->steps[i].item;
	int64_t end;
	uint64_t v;

	if (!charge(t->m, 0) || !read_value(t, item, prev, &v, &end))
		return false;
	if (item->kind == SIG_BYTE_TEST) {
		if (!compare(t, &item->byte, v))
			return false;
	} else if (item->kind == SIG_BYTE_JUMP) {
		if (!jump(t, &item->byte, v, end, &prev))
			return false;
	} else {
		v *= item->byte.multiplier;
		t->m->variables[item->byte.to] = v > INT32_MAX ? INT32_MAX
							       : (uint32_t)v;
	}
	return try_step(t, i + 1, prev);
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the chain has items */
static bool try_isdataat(struct trial *t, unsigned i, int64_t prev)
{
	const struct sig_item *item = t->steps[i].item;
	int64_t n = number(t, item->offset);
	bool there = item->relative ? prev + n <= t->end : n < t->end;

	if (!there && !t->v->ended) {
		t->more = true;
		return false;
	}
	return there != item->negated && try_step(t, i + 1, prev);
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the chain has items */
static bool try_bsize(struct trial *t, unsigned i, int64_t prev)
{
	const struct sig_item *item = t->steps[i].item;
	bool in = t->end >= item->lo && t->end <= item->hi;

	if (!t->v->ended) {
		t->more = true;
		return false;
	}
	return in != item->negated && try_step(t, i + 1, prev);
}

/* NOLINTNEXTLINE(misc-no-recursion): base64_data has no base64_decode */
static bool try_base64(struct trial *t, unsigned i, int64_t prev)
{
	const struct sig_step *s = &t->steps[i];
	int64_t pos = (int64_t)t->v->pos;
	int64_t at = (s->item->relative ? prev : 0) + s->item->offset.value;
	struct sig_view v = { .ended = true };
	struct trial inner = { .m = t->m, .v = &v, .far = -1, .min_end = -1 };
	int64_t len;
	size_t n;

	if (at < pos)
		at = pos;
	len = t->end - at;
	if (len <= 0) {
		t->more = true;
		return false;
	}
	if (s->item->lo && len > s->item->lo)
		len = s->item->lo;
	if (!charge(t->m, len))
		return false;
	n = sig_base64(t->v->bytes.begin + (at - pos), (size_t)len,
		       t->m->decoded, sizeof t->m->decoded);
	v.bytes = bytes_of(t->m->decoded, n);
	inner.end = (int64_t)n;
	inner.steps = s->after;
	inner.n = s->item->n_after;
	if (n == 0 || !try_step(&inner, 0, 0)) {
		t->more |= !t->v->ended;
		return false;
	}
	note_spot(t, i, at, len);
	return try_step(t, i + 1, prev);
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the chain has items */
static bool try_step(struct trial *t, unsigned i, int64_t prev)
{
	if (i == t->n)
		return t->far < 0 || t->far > t->min_end;
	switch ((enum sig_item_kind)t->steps[i].item->kind) {
	case SIG_CONTENT: return try_content(t, i, prev);
	case SIG_PCRE: return try_pcre(t, i, prev);
	case SIG_BYTE_TEST:
	case SIG_BYTE_JUMP:
	case SIG_BYTE_EXTRACT: return try_bytes(t, i, prev);
	case SIG_ISDATAAT: return try_isdataat(t, i, prev);
	case SIG_BSIZE: return try_bsize(t, i, prev);
	case SIG_BASE64: return try_base64(t, i, prev);
	}
	return false;
}

bool sig_match(struct sig_matcher *m, const struct sig_chain *c,
	       const struct sig_view *v, uint64_t min_end,
	       struct sig_spot *ret_spot, bool *ret_more)
{
	struct trial t = {
		.m = m,
		.steps = c->steps,
		.n = c->n,
		.v = v,
		.end = (int64_t)(v->pos + bytes_len(v->bytes)),
		.far = -1,
		.min_end = (int64_t)min_end,
		.spot = { .at = v->pos },
	};

	if (m->spent)
		return false;
	if (try_step(&t, 0, 0)) {
		*ret_spot = t.spot;
		return true;
	}
	*ret_more = t.more;
	return false;
}

static uint32_t pcre_options(const char *flags)
{
	uint32_t options = PCRE2_NEVER_UTF | PCRE2_NEVER_UCP |
			   PCRE2_NEVER_BACKSLASH_C;

	for (; *flags; flags++) {
		switch (*flags) {
		case 'i': options |= PCRE2_CASELESS; break;
		case 's': options |= PCRE2_DOTALL; break;
		case 'm': options |= PCRE2_MULTILINE; break;
		case 'x': options |= PCRE2_EXTENDED; break;
		case 'A': options |= PCRE2_ANCHORED; break;
		case 'E': options |= PCRE2_DOLLAR_ENDONLY; break;
		case 'G': options |= PCRE2_UNGREEDY; break;
		default: break; /* B, O: nothing */
		}
	}
	return options;
}

void *sig_pcre_new(const struct sig_item *item, struct err *reterr)
{
	pcre2_code *code;
	char text[120];
	size_t at;
	int r;

	code = pcre2_compile(item->bytes, item->len,
			     pcre_options(item->pcre_flags), &r, &at, NULL);
	if (code) {
		r = pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
		if (r == 0)
			return code;
		pcre2_code_free(code);
		at = 0;
	}
	/* the one is of its compiler to code, the other of the one before */
	if (r == PCRE2_ERROR_NOMEMORY || r == PCRE2_ERROR_HEAP_FAILED) {
		(void)err_set(reterr, ENOMEM, "pcre", "out of memory");
		return NULL;
	}
	(void)pcre2_get_error_message(r, (uint8_t *)text, sizeof text);
	(void)err_set(reterr, EINVAL, "pcre", "%s at %zu", text, at);
	return NULL;
}

void sig_pcre_free(void *code)
{
	pcre2_code_free(code);
}
