#include "dp/capture.h"

#include <errno.h>

#include "base/bug.h"
#include "dp/config.h"
#include "dp/control.h"

struct handing {
	unsigned place;
	struct capture_writer *ring; /* NULL: it is taken back */
};

static void do_hand(struct worker_view *view, void *arg)
{
	const struct handing *h = arg;

	view->captures[h->place] = h->ring;
}

static void hand(struct control *ctl, unsigned worker, unsigned place,
		 struct capture_writer *ring)
{
	struct handing h = { place, ring };

	worker_ask(ctl->workers.at[worker], do_hand, &h);
}

/* CAPTURES_MAX: none is free. */
static unsigned free_place(const struct captures *c)
{
	unsigned i = 0;

	while (i < CAPTURES_MAX && c->at[i].ring)
		i++;
	return i;
}

static void end(struct control *ctl, unsigned place)
{
	struct live_capture *c = &ctl->captures.at[place];
	struct err err;

	/* with no memory for it the workload's bit stays, and says nothing any
	 * more; who has this place next takes it away */
	(void)config_set_capture(ctl->config, place, ENDPOINT_NONE, &err);
	hand(ctl, c->worker, place, NULL);
	capture_writer_free(c->ring);
	*c = (struct live_capture){ .ring = NULL };
}

int captures_begin(struct control *ctl, const struct capture_spec *spec,
		   int *ret_fd, struct err *reterr)
{
	const struct snapshot *s = config_current(ctl->config);
	uint16_t index = snapshot_find_mac(s, spec->workload, MAC_REAL);
	unsigned place = free_place(&ctl->captures);
	char text[MAC_TEXT_MAX];
	struct live_capture *c;
	int rc;

	if (ctl->client < 0)
		return err_set(reterr, EINVAL, NULL,
			       "a capture lasts as long as its connection, and "
			       "there is none");
	if (index == ENDPOINT_NONE)
		return err_set(reterr, ENOENT, "workload",
			       "no workload has the MAC %s",
			       mac_format(spec->workload, text));
	if (place == CAPTURES_MAX)
		return err_set(reterr, ENOSPC, NULL,
			       "there are %d captures already", CAPTURES_MAX);
	c = &ctl->captures.at[place];
	*c = (struct live_capture){
		.ring = capture_writer_new(spec->snaplen, reterr),
		.client = ctl->client,
		.workload = index,
		.mac = spec->workload,
		.worker =
			workers_of(&ctl->workers, snapshot_endpoint(s, index)),
	};
	if (!c->ring)
		return -reterr->code;
	hand(ctl, c->worker, place, c->ring);
	rc = config_set_capture(ctl->config, place, index, reterr);
	if (rc < 0) {
		end(ctl, place);
		return rc;
	}
	*ret_fd = capture_writer_fd(c->ring);
	return 0;
}

void captures_end(struct control *ctl, int client)
{
	for (unsigned i = 0; i < CAPTURES_MAX; i++)
		if (ctl->captures.at[i].ring &&
		    ctl->captures.at[i].client == client)
			end(ctl, i);
}

void captures_forget(struct control *ctl, uint16_t workload)
{
	for (unsigned i = 0; i < CAPTURES_MAX; i++) {
		struct live_capture *c = &ctl->captures.at[i];

		if (!c->ring || c->workload != workload)
			continue;
		c->workload = ENDPOINT_NONE;
		capture_writer_end(c->ring, CAPTURE_WORKLOAD_GONE);
	}
}

void captures_follow(struct control *ctl, const struct snapshot *s)
{
	for (unsigned i = 0; ctl->workers.n > 1 && i < CAPTURES_MAX; i++) {
		struct live_capture *c = &ctl->captures.at[i];
		const struct endpoint *e =
			c->ring ? snapshot_endpoint(s, c->workload) : NULL;
		unsigned worker = e ? workers_of(&ctl->workers, e) : c->worker;

		if (worker == c->worker)
			continue;
		hand(ctl, c->worker, i, NULL);
		hand(ctl, worker, i, c->ring);
		c->worker = worker;
	}
}
