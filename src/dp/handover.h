/*
 * A data plane hands all it has to a successor: what it was told, the interfaces
 * it reads from, every flow with what is known of it and the bytes that wait, and
 * what was not told yet. No frame is lost and none passes by; the workloads'
 * frames wait for the time it takes to copy the flows.
 *
 *   predecessor                             successor: weir-dp --take-over
 *                                     ◀──── weir_hand_over, by the own door
 *   its configuration as messages,    ────▶ gives up its privileges, makes the
 *   the doors' descriptors, how             same configuration, builds rules, has
 *   large its tables are                    memory for the tables ...
 *   (frames go on; who comes to a
 *   door waits)                       ◀──── READY
 *   memory for the images             ────▶ maps it
 *                                     ◀──── MAPPED
 *   lets go of the rings (frames      ────▶ reads the images, makes rings on the
 *   wait); images, ports                    descriptors
 *                                     ◀──── TAKEN
 *   GO: from here on it is the other  ────▶ carries frames
 *                                     ◀──── RUNNING
 *   ends, and takes nothing with it
 *
 * Until GO each may fail, hang or refuse, and the predecessor goes on as if nothing
 * had been (HANDOVER_*_MS are how long it waits). A successor that dies between GO
 * and RUNNING is dead: then it goes on, too.
 *
 * Both ends are processes without privileges; what the successor's first process,
 * which has some, reads is fixed structures. Messages go by the client's SEQPACKET
 * connection. Control thread, but for handover_connect().
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/image.h"
#include "base/limits_door.h"
#include "dp/control.h"
#include "dp/options.h"
#include "dp/port.h"
#include "inspect/image.h"

/* Of what stands here. Another one is refused, and a restart is what is left. */
#define HANDOVER_PROTOCOL 1

enum handover_kind {
	HANDOVER_DOORS, /* fds: configuration, own, and compatible door if any */
	HANDOVER_USED,	/* of each worker: how large its tables are */
	HANDOVER_READY,
	HANDOVER_SIGN,	 /* fds: opener_give_sign() */
	HANDOVER_MEMORY, /* fds: of an image to come */
	HANDOVER_MAPPED, /* all of them are */
	HANDOVER_IMAGE,	 /* it is in that memory */
	HANDOVER_PORT,	 /* fds: where.sockets of them if OPEN; its namespace */
	HANDOVER_END,	 /* that was all */
	HANDOVER_TAKEN,
	HANDOVER_GO,
	HANDOVER_RUNNING,
	HANDOVER_KIND__MAX
};

struct handover_msg {
	uint32_t kind; /* enum handover_kind */
	union {
		uint64_t config_len;	  /* DOORS: bytes of JSON text */
		struct inspect_used used; /* USED */
		uint64_t owner;		  /* SIGN: of deaf interfaces */
		uint64_t waits_us;	  /* END: since then frames wait */
		struct {
			uint32_t
				of; /* worker; WORKERS_MAX: the control thread */
			uint64_t len;
		} image; /* MEMORY, IMAGE */
		struct {
			struct port port; /* `packed` means nothing */
			bool has_netns;
		} port;
	};
};

/* --- both ------------------------------------------------------------------- */

/* With n descriptors, which stay the caller's. 0; -ETIMEDOUT; -errno. */
int handover_send(int fd, const struct handover_msg *m, const int *fds,
		  size_t n, unsigned wait_ms);
/*
 * The next message; descriptors that came (PASSING_MAX at most) are the caller's.
 * 0; -EPIPE: the other is gone; -ETIMEDOUT; -EPROTO: that is none.
 */
int handover_recv(int fd, struct handover_msg *ret, int *fds, size_t *ret_n,
		  unsigned wait_ms);
/* Closes all; *n is 0 then. */
void handover_close(const int *fds, size_t *n);
/* A message that is its kind alone. -EPROTO: it is another one. */
int handover_tell(int fd, enum handover_kind kind, unsigned wait_ms);
int handover_await(int fd, enum handover_kind kind, unsigned wait_ms);

/* What the control thread knows beside its configuration. */
void handover_save(const struct control *ctl, struct image_writer *w);
/* Likewise, into one that has the configuration already. */
void handover_load(struct control *ctl, const struct image_reader *r);

/* --- predecessor -------------------------------------------------------------- */

/* WEIR_HAND_OVER, of ctl->client. -EBUSY, -EINVAL with *reterr. */
int handover_ask(struct control *ctl, const struct ctrl_msg *m,
		 struct err *reterr);
/* The answer to that has gone; takes fd. */
void handover_begin(struct control *ctl, const struct door_fds *doors, int fd);
/*
 * The successor has said something, is gone, or has taken too long. true: it
 * carries on; this process has nothing left to do.
 */
bool handover_turn(struct control *ctl);

/* --- successor ---------------------------------------------------------------- */

struct handover_from {
	int fd;	      /* to the predecessor */
	char *config; /* its messages' text, owned */
	size_t config_len;
};

/*
 * Asks who serves that door (opt->control). 0, and *doors are the predecessor's;
 * -errno with *reterr. While this process has its privileges; nothing that came is
 * parsed.
 */
int handover_connect(const struct options *opt, struct door_fds *doors,
		     struct handover_from *ret, struct err *reterr);
/*
 * The configuration is made: takes all that the predecessor has. 0: frames are
 * carried. -errno with *reterr: the predecessor goes on, this one is to end.
 */
int handover_take(struct control *ctl, int fd, struct err *reterr);
