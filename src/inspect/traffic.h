/*
 * Traffic statistics of each workload and of the device: what passed in all,
 * and in the last 5, 60 and 300 seconds, told in complete slots of 5 s
 * (reference 1.9, kinds 8 and 9).
 *
 * Memory is touched only for workloads that have traffic. Nothing is allocated
 * after traffic_new(); time is an argument; one thread owns it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/image.h"
#include "wire/records.h"

struct traffic;

/* NULL: out of memory. */
struct traffic *traffic_new(void);
/* NULL is accepted. */
void traffic_free(struct traffic *t);

/*
 * A frame of len bytes to (ingress) or from the workload `endpoint`,
 * 0..ENDPOINTS_MAX-1; counted for it and for the device.
 */
void traffic_frame(struct traffic *t, uint16_t endpoint, bool ingress,
		   size_t len, usec_t now);
/* The same of so many frames, len bytes in all. */
void traffic_frames(struct traffic *t, uint16_t endpoint, bool ingress,
		    uint64_t frames, uint64_t len, usec_t now);
/* A session was made; it ended. Every end has had its begin. */
void traffic_session_begin(struct traffic *t, uint16_t endpoint, bool ingress,
			   usec_t now);
void traffic_session_end(struct traffic *t, uint16_t endpoint, bool ingress);
/*
 * The workload is gone and its sessions have ended: the index starts anew. What
 * the device has carried stays.
 */
void traffic_forget(struct traffic *t, uint16_t endpoint);

/* Adds the workload's figures to *sum, which the caller has set to zero. */
void traffic_add(const struct traffic *t, uint16_t endpoint, usec_t now,
		 struct stats_record *sum);
void traffic_add_device(const struct traffic *t, usec_t now,
			struct stats_record *sum);

/* All but the sessions of now. */
void traffic_save(const struct traffic *t, struct image_writer *w);
/*
 * Into one that has counted nothing; then each session that goes on is told of.
 * false: it is not there, or cannot be this; *t is as it was.
 */
bool traffic_load(struct traffic *t, const struct image_reader *r);
void traffic_session_goes_on(struct traffic *t, uint16_t endpoint,
			     bool ingress);
