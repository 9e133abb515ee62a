/* The part of talk.h that needs cmocka. */
#include "talk.h"

#include <stdlib.h>
#include <string.h>

#include "seed.h"
#include "test.h"

static enum proto_side side_of(const struct talk_line *l)
{
	return l->who == 'C' ? PROTO_CLIENT : PROTO_SERVER;
}

/*
 * most: of a chunk, 0: whole lines; random: between 1 and that. handed: it is
 * handed over after each.
 */
static void run(const char *name, bool udp, const struct talk_line *lines,
		size_t most, unsigned *random, bool handed, const char *want)
{
	struct talk *t = talk_new(udp, false);
	bool whole = true;

	for (const struct talk_line *l = lines; l->who; l++) {
		size_t len = l->len ? l->len : strlen(l->text);

		for (size_t at = 0; at < len;) {
			size_t n = most ? most : len;

			if (random)
				n = 1 + (size_t)rand_r(random) % most;
			if (n > len - at)
				n = len - at;
			talk_say(t, side_of(l), bytes_of(l->text + at, n));
			whole = whole && (!handed || talk_hand_over(t));
			at += n;
		}
	}
	if (whole && strcmp(talk_heard(t), want) != 0)
		fail_msg("\"%s\" in chunks of %zu%s%s:\n%swanted:\n%s", name,
			 most, random ? " at most" : "",
			 handed ? ", handed over" : "", talk_heard(t), want);
	talk_free(t);
}

void talk_check(const char *name, bool udp, const struct talk_line *lines,
		const char *want)
{
	unsigned seed = 1;
	size_t len = 0;

	run(name, udp, lines, 0, NULL, false, want);
	run(name, udp, lines, 0, NULL, true, want);
	if (udp)
		return;
	run(name, udp, lines, 1, NULL, false, want);
	for (size_t most = 2; most < 600; most *= 3)
		run(name, udp, lines, most, &seed, false, want);
	for (const struct talk_line *l = lines; l->who; l++)
		len += l->len ? l->len : strlen(l->text);
	/* at each byte of what is short */
	run(name, udp, lines, 1 + len / 200, NULL, true, want);
}
