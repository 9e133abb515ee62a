#include "inspect/refuse.h"

#include "packet/build.h"

static void send_own(struct passage *w, bool onward,
		     bool (*build)(struct outbytes *, const struct packet *))
{
	struct verdict *v = &w->verdict;
	uint8_t *buf = w->in->send_buf[v->n_send];
	struct outbytes out = outbytes_of(buf, INJECT_FRAME_MAX);
	const struct frame_port *port = w->packet.frame.port;

	if (passage_is_watched(w) || (onward && port && port->no_way_on) ||
	    !build(&out, &w->packet))
		return;
	if (!replies_take(&w->in->reply_limit, w->index, w->now)) {
		w->in->counts.replies_limited++;
		return;
	}
	v->send[v->n_send++] =
		(struct verdict_frame){ bytes_of(buf, outbytes_len(&out)),
					onward };
	w->in->counts.replies++;
}

void refuse_sender(struct passage *w)
{
	if (w->packet.proto == PROTO_TCP)
		send_own(w, false, build_rst_back);
	else
		send_own(w, false, build_prohibited_back);
}

void refuse_both(struct passage *w)
{
	send_own(w, false, build_rst_back);
	send_own(w, true, build_rst_forward);
}
