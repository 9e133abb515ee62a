#include "inspect/refuse.h"

#include <inttypes.h>
#include <stdio.h>

#include "packet/build.h"

/* text: of a farewell; else not looked at. */
static void send_text(struct passage *w, bool onward,
		      bool (*build)(struct outbytes *, const struct packet *,
				    struct bytes text),
		      struct bytes text)
{
	struct verdict *v = &w->verdict;
	uint8_t *buf = w->in->send_buf[v->n_send];
	struct outbytes out = outbytes_of(buf, INJECT_FRAME_MAX);
	const struct frame_port *port = w->packet.frame.port;

	if (passage_is_watched(w) || (onward && port && port->no_way_on) ||
	    !build(&out, &w->packet, text))
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

static bool rst_back(struct outbytes *out, const struct packet *p,
		     struct bytes text)
{
	(void)text;
	return build_rst_back(out, p);
}

static bool rst_forward(struct outbytes *out, const struct packet *p,
			struct bytes text)
{
	(void)text;
	return build_rst_forward(out, p);
}

static bool prohibited_back(struct outbytes *out, const struct packet *p,
			    struct bytes text)
{
	(void)text;
	return build_prohibited_back(out, p);
}

static void send_own(struct passage *w, bool onward,
		     bool (*build)(struct outbytes *, const struct packet *,
				   struct bytes text))
{
	send_text(w, onward, build, bytes_of(NULL, 0));
}

void refuse_sender(struct passage *w)
{
	send_own(w, false,
		 w->packet.proto == PROTO_TCP ? rst_back : prohibited_back);
}

void refuse_both(struct passage *w)
{
	send_own(w, false, rst_back);
	send_own(w, true, rst_forward);
}

void refuse_request(struct passage *w, uint32_t rule_id)
{
	char body[40], text[INJECT_TEXT_MAX + 1];
	int len = snprintf(body, sizeof body, "Forbidden, rule %" PRIu32 "\n",
			   rule_id);

	len = snprintf(text, sizeof text,
		       "HTTP/1.1 403 Forbidden\r\n"
		       "Content-Type: text/plain\r\n"
		       "Content-Length: %d\r\n"
		       "Connection: close\r\n\r\n%s",
		       len, body);
	send_text(w, false, build_farewell_back, bytes_of(text, (size_t)len));
	send_own(w, true, rst_forward);
}
