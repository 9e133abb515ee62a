/*
 * The agent's door: a unix socket on which `weir` and other programs of ours ask.
 *
 *   {"id":1,"command":"ls","args":{...}}\n
 *   {"id":1,"ok":true,...}\n
 *   {"id":1,"ok":false,"error":{"code":"ENOENT","at":"workload","text":"..."}}\n
 *
 * One line each way, in order. A command that follows something gives lines
 * {"id":1,"event":{...}} after its answer, until the client closes.
 *
 * Who may: root and the agent's own user everything, and so may weir-api's account
 * (control.api_user); weir-export's (control.export_user) what only reads, and no
 * raw bytes. Known by the peer's uid; the socket's group and mode let them come
 * that far. Root and weir-api may say for whom they ask, "by" beside "command".
 *
 * A client that does not read is disconnected when DOOR_UNREAD_MAX bytes wait
 * for it; one that follows misses lines from DOOR_FOLLOW_MAX on, and is told how
 * many: {"id":1,"missed":N}.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct agent;
struct door;
struct door_client;

enum door_topic { DOOR_NOTHING, DOOR_FLOWS, DOOR_EVENTS };

/* Opens a->config.door; a socket that nobody answers at is replaced. */
int door_start(struct agent *a, struct err *reterr);
/* Also removes the socket. */
void door_stop(struct agent *a);

/*
 * A client of our own, for who asks from elsewhere: the other end of its socket, which
 * the caller closes. only_reads: as weir-export's. -EAGAIN: too many; -errno.
 */
int door_lend(struct agent *a, bool only_reads, struct err *reterr);

/* What a command answers: now; or by one of door_later_*(), then COMMAND_LATER. */
#define COMMAND_LATER 1

/*
 * args: an object, borrowed; result: gets the answer's members. 0,
 * COMMAND_LATER, or -errno with *reterr.
 */
typedef int command_fn(struct agent *a, struct door_client *c,
		       const json_t *args, json_t *result, struct err *reterr);

struct command {
	const char *name;
	command_fn *run;
	bool reads; /* changes nothing, and tells nothing that is masked */
};

/* Ends with a NULL name; see commands.c. */
extern const struct command commands[];

/* Answers with `result` (a count is taken) when that number is in force. */
void door_later_number(struct door_client *c, uint64_t number, json_t *result);
/*
 * Sends the message (taken) to the data plane, and answers with what it
 * answered as member `member`, beside those of `result` (a count is taken).
 */
void door_later_plane(struct door_client *c, json_t *message,
		      const char *member, json_t *result);
/*
 * The same, but its answer goes into `result` as `then` does it. about: NULL when
 * there is none; true: `result` is an answer all the same. false: refused, and
 * *reterr says why if there was an answer.
 */
typedef bool door_then_fn(struct agent *a, const json_t *about, json_t *result,
			  struct err *reterr);
void door_later_plane_then(struct door_client *c, json_t *message,
			   door_then_fn *then, json_t *result);
/*
 * The same of both data planes, one after the other, `then` with each answer. host:
 * NULL: only the one of splices, which is up. splices: NULL: only the host's.
 */
void door_later_planes_then(struct door_client *c, json_t *host,
			    json_t *splices, door_then_fn *then,
			    json_t *result);
/*
 * Answers with `result` (a count is taken) when door_worked() is told this
 * number: for work beside the main loop (aside.h).
 */
uint64_t door_later_work(struct door_client *c, json_t *result);
/* Who waits for it; NULL: nobody any more. */
struct door_client *door_waits(struct agent *a, uint64_t work);
/* It is done; err: or why it is not, with its code set. */
void door_worked(struct agent *a, uint64_t work, const struct err *err);
/* From its answer on, the client is told what is published. */
void door_follow(struct door_client *c, enum door_topic topic);
/*
 * The answer is these members of a JSON object (taken), not `result`'s: for what
 * is large. The command returns 0 then.
 */
void door_answer_text(struct door_client *c, char *members);
/* A token of plane_ask() whose answer nobody waits for. */
#define DOOR_NOBODY UINT64_MAX
/* throughput.h: what it needs of a data plane, the host's or the splices'. */
void door_ask_for_throughput(struct agent *a, bool of_splices);
/* Who asks; and for whom, NULL: for itself. */
uid_t door_client_uid(const struct door_client *c);
const char *door_client_by(const struct door_client *c);
/* Writes both into o, for people: "who" ("uid 0"), and "by" if it is for another. */
void door_client_sign(const struct door_client *c, json_t *o);
/* May it have what is not masked? */
bool door_client_sees_raw(const struct door_client *c);
/* {"clients", "limit", "turned_away", "pauses"}: for `status`. */
json_t *door_json(const struct agent *a);
/* The accounts' uids anew: a->config is another one. */
void door_find_accounts(struct agent *a);

/* That number came into force; or why it did not. */
void door_reached(struct agent *a, uint64_t number, const struct err *err);
/* The data plane's answer; or err, with its code set. about is borrowed. */
void door_answered(struct agent *a, uint64_t token, const json_t *about,
		   const struct err *err);
bool door_is_followed(const struct agent *a, enum door_topic topic);
/* event is borrowed. */
void door_publish(struct agent *a, enum door_topic topic, const json_t *event);
