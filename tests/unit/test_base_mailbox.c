/*
 * A mailbox between threads: order, room, the descriptor that is polled, and what becomes
 * of items that nobody takes.
 */
#include "test.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/mailbox.h"

#define ROOM	8
#define WRITERS 4
#define LETTERS 4000

struct letter {
	unsigned writer;
	int number;
	int *owned; /* on the heap, the number again */
};

/* By the thread that looks at it, or under the mailbox's lock. */
static _Atomic int n_done;

static void letter_done(void *item)
{
	struct letter *l = item;

	free(l->owned);
	n_done++;
}

static int put(struct mailbox *box, unsigned writer, int number)
{
	struct letter l = { writer, number, malloc(sizeof(int)) };

	if (!l.owned)
		abort();
	*l.owned = number;
	return mailbox_put(box, &l);
}

static bool is_readable(const struct mailbox *box, int ms)
{
	return poll(&(struct pollfd){ box->fd, POLLIN, 0 }, 1, ms) == 1;
}

static void begin(struct mailbox *box)
{
	n_done = 0;
	assert_int_equal(mailbox_init(box, sizeof(struct letter), ROOM,
				      letter_done, NULL),
			 0);
	assert_false(is_readable(box, 0));
}

struct writer {
	pthread_t thread;
	struct mailbox *box;
	unsigned id;
	int letters; /* -1: until the box is closed */
	int sent, rc;
};

static void *write_letters(void *arg)
{
	struct writer *w = arg;

	for (; w->rc == 0 && w->sent != w->letters; w->sent++)
		w->rc = put(w->box, w->id, w->sent);
	return NULL;
}

static void start(struct writer *w, struct mailbox *box, int letters)
{
	for (unsigned i = 0; i < WRITERS; i++) {
		w[i] = (struct writer){ .box = box,
					.id = i,
					.letters = letters };
		assert_int_equal(pthread_create(&w[i].thread, NULL,
						write_letters, &w[i]),
				 0);
	}
}

/* Round and round: the queue's end comes before its beginning. */
static void test_alone(void **state)
{
	struct mailbox box;
	struct letter l;

	begin(&box);
	assert_false(mailbox_take(&box, &l));
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < ROOM - 1; i++) {
			assert_int_equal(put(&box, 0, i), 0);
			assert_true(is_readable(&box, 0));
		}
		for (int i = 0; i < ROOM - 1; i++) {
			assert_true(is_readable(&box, 0));
			assert_true(mailbox_take(&box, &l));
			assert_int_equal(l.number, i);
			assert_int_equal(*l.owned, i);
			free(l.owned);
		}
		assert_false(is_readable(&box, 0));
		assert_false(mailbox_take(&box, &l));
	}
	assert_int_equal(n_done, 0);
	mailbox_done(&box);
}

static void test_threads(void **state)
{
	int next[WRITERS] = { 0 };
	struct writer w[WRITERS];
	struct mailbox box;
	struct letter l;

	begin(&box);
	start(w, &box, LETTERS);
	for (int got = 0; got < WRITERS * LETTERS; got++) {
		assert_true(is_readable(&box, 60000));
		assert_true(mailbox_take(&box, &l));
		assert_int_equal(l.number, next[l.writer]++);
		assert_int_equal(*l.owned, l.number);
		free(l.owned);
	}
	assert_false(mailbox_take(&box, &l));
	assert_false(is_readable(&box, 0));
	for (unsigned i = 0; i < WRITERS; i++) {
		(void)pthread_join(w[i].thread, NULL);
		assert_int_equal(w[i].rc, 0);
	}
	assert_int_equal(n_done, 0);
	mailbox_done(&box);
}

/* Who waits for room goes on; each letter is given back once. */
static void test_close(void **state)
{
	struct writer w[WRITERS];
	struct mailbox box;
	int sent = 0;

	begin(&box);
	start(w, &box, -1);
	assert_true(is_readable(&box, 60000));
	mailbox_close(&box);
	for (unsigned i = 0; i < WRITERS; i++) {
		(void)pthread_join(w[i].thread, NULL);
		assert_int_equal(w[i].rc, -ECANCELED);
		sent += w[i].sent;
	}
	assert_int_equal(put(&box, 0, 0), -ECANCELED);
	assert_in_range(n_done, WRITERS + 1, WRITERS + 1);
	mailbox_done(&box);
	assert_int_equal(n_done, sent + 1);
	mailbox_done(&box);
	assert_int_equal(n_done, sent + 1);
}

static void test_none(void **state)
{
	struct mailbox none = { 0 };

	mailbox_close(&none);
	mailbox_done(&none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
