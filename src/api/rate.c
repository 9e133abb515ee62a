/*
 * Of each key the tries in the window that runs now and in the one before: what
 * counts is the sum, the older one weighed by how much of it the window that
 * ends now still covers. Keys are kept by a hash of what they are, in sets of
 * WAYS; in a full set the one that was tried the longest ago is forgotten. The
 * hash has a secret of its own, so nobody picks who is forgotten.
 */
#include "api/rate.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits_api.h"

#define WAYS	  8
#define SETS	  (API_LOGIN_KEYS / WAYS)
#define WINDOW_US (API_LOGIN_WINDOW_S * USEC_PER_SEC)

enum kind { ADDRESS, PAIR, USER, KIND__MAX };

static const uint32_t limits[] = { API_LOGIN_ADDRESS, API_LOGIN_PAIR,
				   API_LOGIN_USER };
_Static_assert(sizeof limits / sizeof *limits == KIND__MAX, "limits");

struct key {
	uint64_t hash; /* 0: nobody's */
	uint64_t window;
	uint32_t now, before;
	usec_t last;
};

struct rate {
	unsigned char secret[crypto_shorthash_KEYBYTES];
	struct key keys[SETS][WAYS];
};

struct rate *rate_new(void)
{
	struct rate *r = calloc(1, sizeof *r);

	if (r)
		randombytes_buf(r->secret, sizeof r->secret);
	return r;
}

void rate_free(struct rate *r)
{
	free(r);
}

static uint64_t hash_of(const struct rate *r, enum kind kind,
			const char *address, const char *user)
{
	char text[512];
	unsigned char out[crypto_shorthash_BYTES];
	uint64_t hash;
	size_t len = 0;

	text[len++] = (char)kind;
	for (const char *s = kind == USER ? "" : address; *s && len < 100; s++)
		text[len++] = *s;
	text[len++] = '\0';
	for (const char *s = kind == ADDRESS ? "" : user;
	     *s && len < sizeof text; s++)
		text[len++] = *s;
	(void)crypto_shorthash(out, (const unsigned char *)text, len,
			       r->secret);
	memcpy(&hash, out, sizeof hash);
	return hash ? hash : 1;
}

/* Its key, brought to this window. */
static struct key *key_of(struct rate *r, uint64_t hash, usec_t now)
{
	struct key *set = r->keys[hash % SETS], *found = &set[0];
	uint64_t window = now.us / WINDOW_US;

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].hash == hash) {
			found = &set[i];
			break;
		}
		if (usec_before(set[i].last, found->last))
			found = &set[i];
	}
	if (found->hash != hash)
		*found = (struct key){ .hash = hash, .window = window };
	if (found->window != window) {
		found->before = found->window + 1 == window ? found->now : 0;
		found->now = 0;
		found->window = window;
	}
	found->last = now;
	return found;
}

static uint64_t weight(const struct key *k, usec_t now)
{
	uint64_t gone = now.us % WINDOW_US;

	return k->now + k->before * (WINDOW_US - gone) / WINDOW_US;
}

unsigned rate_try(struct rate *r, const char *address, const char *user,
		  usec_t now)
{
	struct key *keys[KIND__MAX];

	for (enum kind k = 0; k < KIND__MAX; k++) {
		keys[k] = key_of(r, hash_of(r, k, address, user), now);
		if (weight(keys[k], now) >= limits[k])
			return API_LOGIN_WINDOW_S / 5;
	}
	for (enum kind k = 0; k < KIND__MAX; k++)
		keys[k]->now++;
	return 0;
}

void rate_right(struct rate *r, const char *address, const char *user,
		usec_t now)
{
	for (enum kind k = 0; k < KIND__MAX; k++) {
		struct key *key = key_of(r, hash_of(r, k, address, user), now);

		if (k == PAIR)
			key->now = key->before = 0;
		else if (key->now > 0)
			key->now--;
	}
}
