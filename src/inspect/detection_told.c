/*
 * Theory. What is found stops the packet under way if its action says so, the
 * first time; what is only watched (a tap, a capture) is told of.
 *
 * A sensor that blocks resets a TCP connection, so that its client need not
 * wait. NeuVector's only drops (reference 6.3), and so do signatures with the
 * action drop.
 *
 * A signature may match before the request that it is in is known to its end, so
 * it is held until then, or the packet's end.
 */
#include "inspect/detection_told.h"

#include <string.h>

#include "base/unset.h"
#include "inspect/detection.h"
#include "inspect/found.h"
#include "inspect/guard.h"
#include "inspect/threat_of.h"

/* Reference 6.3: what was only told of, and what was blocked. */
#define SENSOR_SEVERITY_ALERT 3
#define SENSOR_SEVERITY_BLOCK 5

/* The packet under way may not go on, for the first reason that was met. */
static void stop(struct hearing *h, enum reason why, uint32_t id,
		 enum dpi_action action)
{
	if (h->stop || !dpi_action_drops(action) || hear_is_only_watched(h))
		return;
	h->stop = (uint8_t)why;
	h->stop_id = id;
	h->action = (uint8_t)action;
}

static enum dpi_action action_of(const struct signature *s,
				 enum signatures_mode mode)
{
	if (mode != SIGNATURES_ENFORCE)
		return DPI_ALLOW;
	switch ((enum sig_action)s->action) {
	case SIG_DROP: return DPI_DROP;
	case SIG_REJECT: return DPI_RESET;
	case SIG_PASS:
	case SIG_ALERT:
	case SIG_ACTION__MAX: break;
	}
	return DPI_ALLOW;
}

static size_t add_text(char *to, size_t size, size_t n, struct bytes b)
{
	size_t len = bytes_len(b);

	if (len > size - n)
		len = size - n;
	if (len > 0)
		memcpy(to + n, b.begin, len);
	return n + len;
}

/* "GET host/path", or what else a request is known by. */
static struct bytes request_line(const struct hearing *h,
				 char buf[static FINDING_REQUEST_MAX])
{
	static const enum request_field others[] = {
		REQUEST_DNS_QUERY,     REQUEST_TLS_SNI,	    REQUEST_SQL_VERB,
		REQUEST_REDIS_COMMAND, REQUEST_KAFKA_TOPIC,
	};
	const struct bytes blank = bytes_of((const uint8_t *)" ", 1);
	struct request r;
	size_t n = 0;

	if (!h->t)
		return bytes_of(NULL, 0);
	r = asked_request(&h->t->request);
	n = add_text(buf, FINDING_REQUEST_MAX, n, r.value[REQUEST_HTTP_METHOD]);
	if (n > 0) {
		n = add_text(buf, FINDING_REQUEST_MAX, n, blank);
		n = add_text(buf, FINDING_REQUEST_MAX, n,
			     r.value[REQUEST_HTTP_HOST]);
		n = add_text(buf, FINDING_REQUEST_MAX, n,
			     r.value[REQUEST_HTTP_PATH]);
	}
	for (size_t i = 0; n == 0 && i < sizeof others / sizeof *others; i++)
		n = add_text(buf, FINDING_REQUEST_MAX, n, r.value[others[i]]);
	return bytes_of((const uint8_t *)buf, n);
}

void detection_tell_held(const struct hearing *h)
{
	UNSET char line[FINDING_REQUEST_MAX];

	if (h->w->in->n_held > 0)
		found_tell_held(h->w->in, request_line(h, line));
}

/*
 * A signature of a threat: what is done is by that one's setting, where
 * signatures do anything. false: the threat is not looked for.
 */
static bool threat_may_be(struct hearing *h, const struct signature *s,
			  enum dpi_action *action)
{
	uint32_t id = threat_of_signature(s);
	enum dpi_action wanted;

	if (!id || !h->w->endpoint)
		return true;
	wanted = guard_note(h->w, id, 1, true, h->f);
	if (wanted == DPI_NONE)
		return false;
	if (dpi_action_drops(*action) || !dpi_action_drops(wanted))
		*action = wanted;
	return true;
}

static void tell_match(const struct hearing *h, const struct sig_told *t)
{
	const struct inspect *in = h->w->in;
	struct sig_facts of;

	if (!in->on_match)
		return;
	of = detection_facts(h->f);
	in->on_match(in->on_match_arg, &of, t);
}

void detection_signature_told(void *arg, uint32_t flow,
			      const struct sig_told *t)
{
	struct inspect *in = arg;
	struct hearing *h = in->hearing;
	const struct signature *s = t->signature;
	enum dpi_action action;
	char line[FINDING_REQUEST_MAX];
	struct finding_event e;

	(void)flow;
	if (!h)
		return;
	tell_match(h, t);
	if (s->action == SIG_PASS)
		return;
	action = action_of(s, sensing_signatures(sensing_of(h->w->endpoint)));
	if (!threat_may_be(h, s, &action))
		return;
	stop(h, REASON_SIGNATURE, s->sid, action);
	if (t->silent)
		return;
	e = (struct finding_event){
		.kind = FINDING_SIGNATURE,
		.id = s->sid,
		.rev = s->rev,
		.severity = found_severity(s->priority),
		.action = (uint8_t)action,
		.name = s->msg,
		.classtype = s->classtype,
		.side = (uint8_t)t->side,
		.request = request_line(h, line),
		.buffer = t->buffer,
		.spot = { .at = t->at,
			  .len = t->len,
			  .around = t->around,
			  .around_at = t->around_at },
	};
	if (h->t && h->t->parser && !h->t->request.known)
		found_hold(h->w, h->f, &e);
	else
		inspect_note_finding(h->w, h->f, &e);
}

/* The field that a sensor's place is. */
static uint8_t buffer_of(const struct sensor_told *t)
{
	switch ((enum sensor_where)t->where) {
	case SENSOR_URL: return FIELD_HTTP_URI_RAW;
	case SENSOR_HEADER: return FIELD_HTTP_HEADER;
	case SENSOR_BODY:
		return t->side == PROTO_CLIENT ? FIELD_HTTP_REQUEST_BODY
					       : FIELD_HTTP_RESPONSE_BODY;
	case SENSOR_SQL: return FIELD_SQL_TEXT;
	case SENSOR_ANY:
	case SENSOR_PACKET:
	case SENSOR_WHERE__MAX: break;
	}
	return SIG_BUFFER_PAYLOAD;
}

/* Places are within what is shown. */
static struct evidence_spot spot_of(const struct sensor_told *t)
{
	struct evidence_spot spot = {
		.len = (uint32_t)bytes_len(t->match),
		.around = t->around,
		.is_secret = t->sensor->kind == SENSOR_DLP,
		.secret = t->secret,
	};

	if (bytes_len(t->around) == 0)
		spot.around = t->match;
	else if (t->match.begin >= t->around.begin &&
		 t->match.end <= t->around.end)
		spot.at = (uint64_t)(t->match.begin - t->around.begin);
	return spot;
}

void detection_sensor_told(void *arg, uint32_t conversation,
			   const struct sensor_told *t)
{
	struct inspect *in = arg;
	struct hearing *h = in->hearing;
	const struct sensing *s;
	bool compat, block = t->action == SENSOR_BLOCK;
	enum dpi_action action = DPI_ALLOW;
	struct finding_event e;

	(void)conversation;
	if (!h)
		return;
	s = sensing_of(h->w->endpoint);
	compat = sensing_is_compat(s, t->sensor->id);
	if (block)
		action = compat ? DPI_DROP : DPI_RESET;
	stop(h, t->sensor->kind == SENSOR_WAF ? REASON_WAF : REASON_DLP,
	     t->sensor->id, action);
	e = (struct finding_event){
		.kind = t->sensor->kind == SENSOR_WAF ? FINDING_WAF
						      : FINDING_DLP,
		.id = t->sensor->id,
		.severity = block ? SENSOR_SEVERITY_BLOCK
				  : SENSOR_SEVERITY_ALERT,
		.action = (uint8_t)action,
		.flags = compat ? FINDING_COMPAT : 0,
		.name = t->sensor->name,
		.classtype = "",
		.side = t->side,
		.request = bytes_of((const uint8_t *)t->line, strlen(t->line)),
		.buffer = buffer_of(t),
		.spot = spot_of(t),
	};
	inspect_note_finding(h->w, h->f, &e);
}
