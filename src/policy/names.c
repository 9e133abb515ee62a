/*
 * Theory. One hash table of all names by chains; a "*.suffix" is kept as its
 * suffix with `wild` set. Hashes run from the end of a text to its beginning,
 * so that one walk over a host's name gives those of all its suffixes on the
 * way: what looks up a name of n labels costs n look-ups and one walk.
 *
 *      y . x . a . b
 *          |   |   '- "b"      wild?
 *          |   '- "a.b"        wild?
 *          '- "x.a.b"          wild?
 *      '- "y.x.a.b"            exact
 *
 * A new set first takes over the names it has in common with the one before,
 * with number and birth; new names get the lowest free numbers, and the set's
 * serial as their birth. Since serials only grow, a number that changes hands
 * has another birth, even if it was unused in sets between.
 *
 * Texts come from the configuration and hosts only ask, so nobody can make
 * chains long on purpose from outside.
 */
#include "policy/names.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"

#define BUCKETS	 4096 /* a power of two, at least FQDNS_MAX */
#define FNV_INIT 2166136261u
#define FNV_STEP 16777619u

_Static_assert(BUCKETS >= FQDNS_MAX && (BUCKETS & (BUCKETS - 1)) == 0,
	       "buckets");

struct entry {
	char *text; /* as written, in lower case; NULL: number not in use */
	uint32_t birth;
	uint32_t hash;
	uint16_t next; /* in the bucket */
	bool wild;     /* what is matched begins at text + 2 */
};

struct name_set {
	uint32_t serial;
	uint16_t n, used; /* names; highest number in use */
	uint16_t buckets[BUCKETS];
	struct entry entries[FQDNS_MAX + 1]; /* [0] is unused */
};

/* One more byte, from the end of the text on. */
static uint32_t hash_step(uint32_t hash, char c)
{
	return (hash ^ (uint8_t)c) * FNV_STEP;
}

static uint32_t bucket_of(uint32_t hash)
{
	return (hash ^ hash >> 15) & (BUCKETS - 1);
}

static uint32_t hash_text(const char *text, size_t len)
{
	uint32_t hash = FNV_INIT;

	while (len)
		hash = hash_step(hash, text[--len]);
	return hash;
}

static uint16_t find(const struct name_set *s, uint32_t hash, const char *text,
		     size_t len, bool wild)
{
	uint16_t i = s->buckets[bucket_of(hash)];

	for (; i; i = s->entries[i].next) {
		const struct entry *e = &s->entries[i];
		const char *own = e->text + (e->wild ? 2 : 0);

		if (e->hash == hash && e->wild == wild &&
		    strncmp(own, text, len) == 0 && own[len] == 0)
			return i;
	}
	return NAME_NONE;
}

/* A text as it is kept. */
struct plain {
	char text[FQDN_TEXT_MAX];
	const char *key; /* in text; behind "*." */
	size_t len;	 /* of key */
	uint32_t hash;
	bool wild;
};

static bool make_plain(const char *text, struct plain *p)
{
	size_t len = strnlen(text, FQDN_TEXT_MAX);

	if (len == 0 || len == FQDN_TEXT_MAX)
		return false;
	for (size_t i = 0; i <= len; i++)
		p->text[i] = text[i] >= 'A' && text[i] <= 'Z'
				     ? (char)(text[i] - 'A' + 'a')
				     : text[i];
	if (len > 1 && p->text[len - 1] == '.')
		p->text[--len] = 0;
	p->wild = len > 2 && p->text[0] == '*' && p->text[1] == '.';
	p->key = p->text + (p->wild ? 2 : 0);
	p->len = len - (p->wild ? 2 : 0);
	p->hash = hash_text(p->key, p->len);
	return true;
}

static uint16_t find_plain(const struct name_set *s, const struct plain *p)
{
	return find(s, p->hash, p->key, p->len, p->wild);
}

static int insert(struct name_set *s, uint16_t id, const struct plain *p,
		  uint32_t birth)
{
	uint16_t *bucket = &s->buckets[bucket_of(p->hash)];
	struct entry *e = &s->entries[id];

	BUG_ON(e->text);
	e->text = strdup(p->text);
	if (!e->text)
		return -ENOMEM;
	e->birth = birth;
	e->hash = p->hash;
	e->wild = p->wild;
	e->next = *bucket;
	*bucket = id;
	s->n++;
	if (id > s->used)
		s->used = id;
	return 0;
}

/* Those that had a number keep it. */
static int keep_old(struct name_set *s, const struct name_set *before,
		    const char *const *texts, size_t n, struct err *reterr)
{
	struct plain p;

	for (size_t i = 0; i < n; i++) {
		uint16_t id;

		if (!make_plain(texts[i], &p))
			return err_set(reterr, EINVAL, NULL,
				       "a name of 1 to %d characters expected",
				       FQDN_TEXT_MAX - 1);
		id = before ? find_plain(before, &p) : NAME_NONE;
		if (!id || s->entries[id].text)
			continue;
		if (insert(s, id, &p, before->entries[id].birth) < 0)
			return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	return 0;
}

static int add_new(struct name_set *s, const char *const *texts, size_t n,
		   struct err *reterr)
{
	uint16_t free_id = 1;
	struct plain p;

	for (size_t i = 0; i < n; i++) {
		BUG_ON(!make_plain(texts[i], &p));
		if (find_plain(s, &p))
			continue;
		while (free_id <= FQDNS_MAX && s->entries[free_id].text)
			free_id++;
		if (free_id > FQDNS_MAX)
			return err_set(reterr, E2BIG, NULL,
				       "more than %d names", FQDNS_MAX);
		if (insert(s, free_id, &p, s->serial) < 0)
			return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	return 0;
}

struct name_set *name_set_next(const struct name_set *before,
			       const char *const *texts, size_t n,
			       struct err *reterr)
{
	struct name_set *s = calloc(1, sizeof *s);

	if (!s) {
		err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	s->serial = before ? before->serial + 1 : 1;
	if (keep_old(s, before, texts, n, reterr) < 0 ||
	    add_new(s, texts, n, reterr) < 0) {
		name_set_free(s);
		return NULL;
	}
	return s;
}

void name_set_free(struct name_set *s)
{
	if (!s)
		return;
	for (uint16_t i = 1; i <= s->used; i++)
		free(s->entries[i].text);
	free(s);
}

uint16_t name_set_id(const struct name_set *s, const char *text)
{
	struct plain p;

	return s && make_plain(text, &p) ? find_plain(s, &p) : NAME_NONE;
}

const char *name_set_text(const struct name_set *s, uint16_t id)
{
	return s && id <= s->used ? s->entries[id].text : NULL;
}

uint32_t name_set_birth(const struct name_set *s, uint16_t id)
{
	return s && id <= s->used ? s->entries[id].birth : 0;
}

size_t name_set_count(const struct name_set *s)
{
	return s ? s->n : 0;
}

unsigned name_set_match(const struct name_set *s, const char *host, size_t len,
			uint16_t *ids, unsigned max)
{
	uint16_t found[FQDN_TEXT_MAX];
	unsigned n = 0, n_ids = 0;
	uint32_t hash = FNV_INIT;
	uint16_t id;

	if (!s || len == 0 || len >= FQDN_TEXT_MAX)
		return 0;
	for (size_t at = len; at > 0; at--) {
		char c = host[at - 1];

		if (c == '.' && at > 1 && at < len) {
			id = find(s, hash, host + at, len - at, true);
			if (id)
				found[n++] = id;
		}
		hash = hash_step(hash, c);
	}
	id = find(s, hash, host, len, false);
	if (id)
		found[n++] = id;
	while (n && n_ids < max)
		ids[n_ids++] = found[--n];
	return n_ids;
}
