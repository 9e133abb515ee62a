/*
 * Clients of the agent's door that wait: until a change is in force, for a data plane, for
 * work beside the main loop; and those that are told what happens.
 */
#include <errno.h>
#include <stdio.h>

#include "agent/door_client.h"
#include "agent/throughput.h"
#include "base/clock.h"
#include "base/limits.h"

static void wait_later(struct door_client *c, enum client_state state,
		       json_t *result)
{
	uint64_t us = DOOR_WAIT_S * USEC_PER_SEC;
	json_t *before = c->result; /* of work that goes on as another wait */

	c->state = state;
	c->result = json_incref(result);
	json_decref(before);
	json_decref(c->splices); /* of one whose wait was too long */
	c->splices = NULL;
	c->wait_ends = usec_add(clock_now(), us);
	loop_timer_need(c->agent->loop, &c->agent->door->patience, us);
}

void door_later_number(struct door_client *c, uint64_t number, json_t *result)
{
	c->number = number;
	wait_later(c, WAIT_NUMBER, result);
}

void door_later_plane(struct door_client *c, json_t *message,
		      const char *member, json_t *result)
{
	c->token = ++c->agent->door->last_token;
	c->member = member;
	c->then = NULL;
	wait_later(c, WAIT_PLANE, result);
	plane_ask(c->agent->plane, message, c->token);
}

void door_later_plane_then(struct door_client *c, json_t *message,
			   door_then_fn *then, json_t *result)
{
	door_later_plane(c, message, NULL, result);
	c->then = then;
}

void door_later_planes_then(struct door_client *c, json_t *host,
			    json_t *splices, door_then_fn *then, json_t *result)
{
	if (host) {
		door_later_plane_then(c, host, then, result);
		c->splices = splices;
		return;
	}
	c->token = ++c->agent->door->last_token;
	c->then = then;
	wait_later(c, WAIT_PLANE, result);
	plane_ask(c->agent->splice_plane, splices, c->token);
}

/* Its second question, if there is one. */
static bool ask_splices(struct agent *a, struct door_client *c)
{
	json_t *message = c->splices;

	c->splices = NULL;
	if (message && a->splice_plane_up) {
		plane_ask(a->splice_plane, message, c->token);
		return true;
	}
	json_decref(message);
	return false;
}

void door_answer_text(struct door_client *c, char *members)
{
	c->members = members;
}

/* No client's: theirs go up from 1. */
#define OF_THE_HOST    0
#define OF_THE_SPLICES (DOOR_NOBODY - 1)

void door_ask_for_throughput(struct agent *a, bool of_splices)
{
	plane_ask(of_splices ? a->splice_plane : a->plane,
		  json_pack("{s:{}}", "weir_traffic"),
		  of_splices ? OF_THE_SPLICES : OF_THE_HOST);
}

void door_follow(struct door_client *c, enum door_topic topic)
{
	c->topic = topic;
}

uid_t door_client_uid(const struct door_client *c)
{
	return c->uid;
}

const char *door_client_by(const struct door_client *c)
{
	return c->by[0] ? c->by : NULL;
}

void door_client_sign(const struct door_client *c, json_t *o)
{
	char who[32];

	(void)snprintf(who, sizeof who, "uid %u", (unsigned)c->uid);
	(void)json_object_set_new(o, "who", json_string(who));
	if (c->by[0])
		(void)json_object_set_new(o, "by", json_string(c->by));
}

bool door_client_sees_raw(const struct door_client *c)
{
	return !c->only_reads;
}

uint64_t door_later_work(struct door_client *c, json_t *result)
{
	c->token = ++c->agent->door->last_token;
	wait_later(c, WAIT_WORK, result);
	return c->token;
}

static void end_waiting(struct door_client *c, const struct err *err)
{
	json_t *result = c->result;

	c->result = NULL;
	c->state = READ;
	if (err && err->code)
		door_refuse(c, err);
	else
		door_answer(c, result);
	json_decref(result);
	door_go_on(c);
}

static void give_up(struct door_client *c)
{
	struct err err;

	if (c->state == WAIT_NUMBER)
		(void)err_set(&err, ETIMEDOUT, NULL,
			      "stored, but the data plane has not said for %d "
			      "s that it is in force; weir status tells when",
			      DOOR_WAIT_S);
	else if (c->state == WAIT_WORK)
		(void)err_set(&err, ETIMEDOUT, NULL,
			      "not done in %d s, and goes on", DOOR_WAIT_S);
	else
		(void)err_set(&err, ETIMEDOUT, NULL,
			      "no answer of the data plane for %d s",
			      DOOR_WAIT_S);
	end_waiting(c, &err);
}

void door_out_of_patience(void *arg)
{
	struct agent *a = arg;
	usec_t now = clock_now();

	for (struct door_client *c = a->door->clients; c; c = c->next) {
		if (c->closed || c->state == READ)
			continue;
		if (!usec_before(now, c->wait_ends))
			give_up(c);
		else
			loop_timer_need(a->loop, &a->door->patience,
					usec_since(c->wait_ends, now));
	}
	door_free_closed(a->door);
}

void door_reached(struct agent *a, uint64_t number, const struct err *err)
{
	for (struct door_client *c = a->door->clients; c; c = c->next)
		if (!c->closed && c->state == WAIT_NUMBER &&
		    c->number <= number)
			end_waiting(c, err);
	door_free_closed(a->door);
}

struct door_client *door_waits(struct agent *a, uint64_t work)
{
	struct door_client *c = a->door ? a->door->clients : NULL;

	while (c && (c->closed || c->state != WAIT_WORK || c->token != work))
		c = c->next;
	return c;
}

void door_worked(struct agent *a, uint64_t work, const struct err *err)
{
	struct door_client *c = door_waits(a, work);

	if (!c)
		return;
	end_waiting(c, err);
	door_free_closed(a->door);
}

void door_answered(struct agent *a, uint64_t token, const json_t *about,
		   const struct err *err)
{
	if (token == OF_THE_HOST || token == OF_THE_SPLICES)
		throughput_answered(a, about, token == OF_THE_SPLICES);
	for (struct door_client *c = a->door->clients; c; c = c->next) {
		struct err why = { 0 };

		if (c->closed || c->state != WAIT_PLANE || c->token != token)
			continue;
		if (c->then) {
			if (c->then(a, about, c->result, &why))
				err = NULL;
			else if (why.code)
				err = &why;
		} else if (about)
			(void)json_object_set(c->result, c->member,
					      (json_t *)(uintptr_t)about);
		if (!about || !ask_splices(a, c))
			end_waiting(c, err);
		break;
	}
	door_free_closed(a->door);
}

bool door_is_followed(const struct agent *a, enum door_topic topic)
{
	for (const struct door_client *c = a->door ? a->door->clients : NULL; c;
	     c = c->next)
		if (c->topic == topic && !c->closed)
			return true;
	return false;
}

void door_publish(struct agent *a, enum door_topic topic, const json_t *event)
{
	for (struct door_client *c = a->door ? a->door->clients : NULL; c;
	     c = c->next) {
		if (c->closed || c->topic != topic)
			continue;
		if (c->out.len - c->out_done > DOOR_FOLLOW_MAX) {
			c->missed++;
			continue;
		}
		if (c->missed)
			door_send_line(c, json_pack("{s:O, s:I}", "id", c->id,
						    "missed",
						    (json_int_t)c->missed));
		c->missed = 0;
		door_send_line(c, json_pack("{s:O, s:O}", "id", c->id, "event",
					    event));
	}
}
