#include "detect/evidence.h"

#include <string.h>

#define MARK_BEGIN "\xc2\xab"
#define MARK_END   "\xc2\xbb"
#define MARK_LEN   2

#define BESIDE_SECRET_MIN 3  /* with a digit */
#define BESIDE_SECRET_ALL 12 /* without one, too */
#define DIGITS_MIN	  13 /* of the shortest card numbers */
#define TOKEN_MIN	  16
#define CONTEXT_DIGITS	  6 /* of the shortest numbers of people */

/* Words are looked for in so much on each side of the match. */
#define LOOK_MAX ((size_t)2 * EVIDENCE_CONTEXT_MAX)
#define SEEN_MAX (2 * LOOK_MAX + EVIDENCE_MATCH_MAX)

_Static_assert(2 * (EVIDENCE_CONTEXT_MAX + MARK_LEN) + EVIDENCE_MATCH_MAX <
		       FINDING_EVIDENCE_MAX,
	       "all of it fits");

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(uint8_t c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A blank or dash between two digits. */
static bool is_joint(struct bytes b, size_t i)
{
	return (b.begin[i] == ' ' || b.begin[i] == '-') && i > 0 &&
	       i + 1 < bytes_len(b) && is_digit(b.begin[i - 1]) &&
	       is_digit(b.begin[i + 1]);
}

struct word {
	size_t begin, end;
	unsigned characters, digits;
};

/* The next one from `from` on; begin == end: there is none. */
static struct word next_word(struct bytes b, size_t from)
{
	size_t n = bytes_len(b);
	struct word w = { 0 };

	while (from < n && !is_word(b.begin[from]))
		from++;
	w.begin = w.end = from;
	while (w.end < n && (is_word(b.begin[w.end]) || is_joint(b, w.end))) {
		w.characters += is_word(b.begin[w.end]);
		w.digits += is_digit(b.begin[w.end]);
		w.end++;
	}
	return w;
}

/* What of the text is an attack's match; what is beside it may be a secret. */
struct shown {
	size_t begin, end;
};

/* "%34", "&#52;": a digit that is a code, of a number that may be longer. */
static bool is_code(struct bytes b, const struct word *w)
{
	return w->begin > 0 &&
	       (b.begin[w->begin - 1] == '%' || b.begin[w->begin - 1] == '#');
}

/* "GB82": what an account's number begins with, before a blank. */
static bool is_account(struct bytes b, const struct word *w)
{
	const uint8_t *c = b.begin + w->begin;

	return w->characters == 4 && w->digits == 2 && c[0] <= 'Z' &&
	       !is_digit(c[0]) && c[1] <= 'Z' && !is_digit(c[1]);
}

static bool is_masked_beside(struct bytes b, const struct word *w, bool cut)
{
	return w->characters >= BESIDE_SECRET_ALL ||
	       (w->digits &&
		(w->characters >= BESIDE_SECRET_MIN || cut || is_code(b, w)));
}

static bool is_masked(struct bytes b, const struct word *w, struct shown match,
		      bool cut)
{
	bool beside = w->end <= match.begin || w->begin >= match.end;

	if (beside &&
	    (w->digits >= CONTEXT_DIGITS || is_account(b, w) ||
	     (cut && w->digits && w->characters >= BESIDE_SECRET_MIN - 1)))
		return true;
	if (cut && w->digits)
		return w->characters >= BESIDE_SECRET_MIN;
	return w->digits >= DIGITS_MIN ||
	       (w->digits && w->characters >= TOKEN_MIN);
}

/*
 * What may be shown of b; out has room for as many. open: it is a piece of more.
 * match: of what is an attack; NULL: b is beside a secret.
 */
static void hush(struct bytes b, const struct shown *match, bool open,
		 char *out)
{
	size_t n = bytes_len(b);
	struct word w = { 0 };

	if (!b.begin)
		return;
	for (size_t i = 0; i < n; i++) {
		uint8_t c = b.begin[i];

		out[i] = c >= ' ' && c <= '~' ? (char)c : '.';
	}
	for (w = next_word(b, 0); w.begin < w.end; w = next_word(b, w.end)) {
		/* or a blank within it is at the edge */
		bool cut = open && (w.begin <= 1 || w.end + 1 >= n);

		if (match ? !is_masked(b, &w, *match, cut)
			  : !is_masked_beside(b, &w, cut))
			continue;
		for (size_t i = w.begin; i < w.end; i++)
			if (is_word(b.begin[i]))
				out[i] = '*';
	}
}

struct bytes evidence_match(const struct evidence_spot *s)
{
	uint64_t n = bytes_len(s->around), from = 0, until = 0;

	if (n == 0)
		return s->around;
	if (s->at > s->around_at)
		from = s->at - s->around_at;
	if (s->at + s->len > s->around_at)
		until = s->at + s->len - s->around_at;
	from = from < n ? from : n;
	until = until < n ? until : n;
	return bytes_of(s->around.begin + from, (size_t)(until - from));
}

/* At most max of them, at the match's side. */
static struct bytes before(const struct evidence_spot *s, struct bytes match,
			   size_t max)
{
	struct bytes b = { s->around.begin, match.begin };

	if (bytes_len(b) > max)
		b.begin = b.end - max;
	return b;
}

static struct bytes behind(const struct evidence_spot *s, struct bytes match,
			   size_t max)
{
	struct bytes b = { match.end, s->around.end };

	if (bytes_len(b) > max)
		b.end = b.begin + max;
	return b;
}

static char *put(char *at, const char *text, size_t len)
{
	if (len)
		memcpy(at, text, len);
	return at + len;
}

/*
 * Each side by itself, as the match is not a word with what it touches. What is
 * shown may begin within a word: more is looked at.
 */
static void secret_text(const struct evidence_spot *s, struct bytes match,
			char *ret)
{
	struct bytes a = before(s, match, LOOK_MAX);
	struct bytes z = behind(s, match, LOOK_MAX);
	size_t n_a = bytes_len(a), n_z = bytes_len(z);
	char masked[EVIDENCE_MATCH_MAX + 1], seen[LOOK_MAX];
	size_t shown = n_a < EVIDENCE_CONTEXT_MAX ? n_a : EVIDENCE_CONTEXT_MAX;

	hush(a, NULL, true, seen);
	ret = put(ret, seen + n_a - shown, shown);
	ret = put(ret, MARK_BEGIN, MARK_LEN);
	(void)secret_mask(s->secret, match, masked, sizeof masked);
	ret = put(ret, masked, strlen(masked));
	ret = put(ret, MARK_END, MARK_LEN);
	hush(z, NULL, true, seen);
	shown = n_z < EVIDENCE_CONTEXT_MAX ? n_z : EVIDENCE_CONTEXT_MAX;
	ret = put(ret, seen, shown);
	*ret = '\0';
}

static void plain_text(const struct evidence_spot *s, struct bytes match,
		       char *ret)
{
	struct bytes a = before(s, match, LOOK_MAX), z;
	char seen[SEEN_MAX];
	size_t n_a = bytes_len(a), n = bytes_len(match), shown;
	bool cut = n > EVIDENCE_MATCH_MAX;

	if (cut) { /* nothing is behind what is cut */
		n = EVIDENCE_MATCH_MAX;
		match.end = match.begin + n;
		z = bytes_of(match.end, 0);
	} else {
		z = behind(s, match, LOOK_MAX);
	}
	hush((struct bytes){ a.begin, z.end }, &(struct shown){ n_a, n_a + n },
	     true, seen);
	shown = n_a < EVIDENCE_CONTEXT_MAX ? n_a : EVIDENCE_CONTEXT_MAX;
	ret = put(ret, seen + n_a - shown, shown);
	ret = put(ret, MARK_BEGIN, MARK_LEN);
	ret = put(ret, seen + n_a, n);
	ret = put(ret, MARK_END, MARK_LEN);
	shown = bytes_len(z) < EVIDENCE_CONTEXT_MAX ? bytes_len(z)
						    : EVIDENCE_CONTEXT_MAX;
	ret = put(ret, seen + n_a + n, shown);
	ret = put(ret, "...", cut ? 3 : 0);
	*ret = '\0';
}

void evidence_text(const struct evidence_spot *s,
		   char ret[static FINDING_EVIDENCE_MAX])
{
	struct bytes match = evidence_match(s);

	if (bytes_len(s->around) == 0)
		ret[0] = '\0'; /* of what has no bytes, as a note */
	else if (s->is_secret)
		secret_text(s, match, ret);
	else
		plain_text(s, match, ret);
}

/* The secret itself, wherever the request has it. */
static void mask_match(const struct evidence_spot *s, struct bytes request,
		       char *ret)
{
	struct bytes match = evidence_match(s), left = request;
	size_t n = bytes_len(match);
	char masked[FINDING_REQUEST_MAX];
	const uint8_t *at;

	if (n == 0 || n >= sizeof masked || bytes_len(request) < n)
		return;
	(void)secret_mask(s->secret, match, masked, sizeof masked);
	while ((at = memmem(left.begin, bytes_len(left), match.begin, n))) {
		memcpy(ret + (at - request.begin), masked, n);
		left.begin = at + n;
	}
}

void evidence_request(const struct evidence_spot *s, struct bytes request,
		      char ret[static FINDING_REQUEST_MAX])
{
	bool cut = bytes_len(request) >= FINDING_REQUEST_MAX;
	static const struct shown nothing = { 0 };

	if (cut)
		request.end = request.begin + FINDING_REQUEST_MAX - 4;
	hush(request, s->is_secret ? NULL : &nothing, cut, ret);
	if (s->is_secret)
		mask_match(s, request, ret);
	memcpy(ret + bytes_len(request), "...", cut ? 3 : 0);
	ret[bytes_len(request) + (cut ? 3 : 0)] = '\0';
}

size_t evidence_raw(const struct evidence_spot *s,
		    uint8_t ret[static FINDING_RAW_MAX], uint64_t *ret_at)
{
	struct bytes match = evidence_match(s), b = s->around;
	size_t n = bytes_len(match), skip = (size_t)(match.begin - b.begin);
	size_t left = n < FINDING_RAW_MAX ? FINDING_RAW_MAX - n : 0;
	size_t room = left / 2, behind = (size_t)(b.end - match.end);

	/* what is not used behind the match is used before it */
	if (behind < left - room)
		room = left - behind;
	skip = skip > room ? skip - room : 0;
	b.begin += skip;
	if (bytes_len(b) > FINDING_RAW_MAX)
		b.end = b.begin + FINDING_RAW_MAX;
	if (b.begin)
		memcpy(ret, b.begin, bytes_len(b));
	*ret_at = s->around_at + skip;
	return bytes_len(b);
}
