#include "inspect/broad.h"

#include "inspect/detection.h"
#include "inspect/ports.h"

static void begin(struct hearing *h)
{
	const struct flow *f = h->f;
	const struct flow_key *k = &f->key;
	bool own = f->client_is_own;
	struct breadth_ends ends = {
		.client = own ? k->own : k->peer,
		.server = own ? k->peer : k->own,
		.client_port = own ? k->own_port : k->peer_port,
		.server_port = own ? k->peer_port : k->own_port,
		.tcp = k->proto == PROTO_TCP,
	};

	h->t->broad_begun = true;
	h->t->breadth = breadth_open(h->w->in->breadth, &ends);
}

static void hear(struct hearing *h, enum flow_side side, struct bytes b)
{
	struct inspect *in = h->w->in;
	enum breadth_answer answer;
	uint32_t app;

	if (!h->t->breadth)
		return;
	answer = breadth_read(in->breadth, h->t->breadth, side == FLOW_CLIENT,
			      b, h->w->now, &app);
	if (answer == BREADTH_NOT_YET)
		return;
	broad_end(in, h->t);
	if (answer == BREADTH_NEVER)
		return;
	h->f->app = (uint16_t)app;
	detection_known(h, app);
	hear_settle(h);
	ports_learn(in, h->f, app);
}

void broad_read(struct hearing *h, enum flow_side side, struct bytes b)
{
	struct inspect *in = h->w->in;
	struct talk *t = h->t;

	/* who has no dialogue is not asked about: it is known, or nobody asks */
	if (!in->breadth || !in->settings.applications.breadth || !t->dialogue)
		return;
	if (!t->broad_begun) {
		begin(h);
		/* what it has said itself is shown again */
		hear(h, (enum flow_side) !side,
		     dialogue_said(in->dialogues, t->dialogue,
				   (enum proto_side) !side));
	}
	hear(h, side, b);
}

bool broad_may_tell(const struct inspect *in, const struct talk *t)
{
	return t->breadth || (!t->broad_begun && in->breadth &&
			      in->settings.applications.breadth);
}

void broad_end(struct inspect *in, struct talk *t)
{
	if (t->breadth)
		breadth_close(in->breadth, t->breadth);
	t->breadth = 0;
}
