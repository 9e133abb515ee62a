/*
 * What an API server says of pods, namespaces and NetworkPolicies, as what is told
 * of them (kubernetes.h). All that comes in is foreign: what does not fit is left
 * out. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/limits_kubernetes.h"
#include "runtime/kubernetes.h"

struct kube_object {
	char uid[RUNTIME_ID_MAX];
	json_t *about; /* owned; NULL: it is not there (any more) */
	char version[KUBE_VERSION_MAX]; /* "": it says none */
};

void kube_object_done(struct kube_object *o);

/* A page of a list; its items are read one by one. */
struct kube_page {
	json_t *whole; /* owned */
	const json_t *items;
	char version[KUBE_VERSION_MAX];
	const char *more; /* token of the next page; NULL: this is the last */
};

/* -EBADMSG: it is none. */
int kube_read_page(const char *text, size_t len, struct kube_page *ret,
		   struct err *reterr);
void kube_page_done(struct kube_page *p);
/*
 * One object of that kind. -EBADMSG: it is none that can be told of: uid is "", or
 * says of which.
 */
int kube_read_object(enum kube_kind kind, const json_t *v,
		     struct kube_object *ret, struct err *reterr);

enum kube_event {
	KUBE_EVENT_SET,	     /* it is so now; or is gone, without about */
	KUBE_EVENT_BOOKMARK, /* only the version has gone on */
	KUBE_EVENT_EXPIRED,  /* the version is too old: to be listed again */
	KUBE_EVENT_FAILED,   /* it says so */
	KUBE_EVENT_BAD,	     /* it is none, or of an object that is none */
};

/* A line of a watch. ret: to be ended by kube_object_done(). */
enum kube_event kube_read_event(enum kube_kind kind, const char *line,
				size_t len, struct kube_object *ret,
				struct err *reterr);
/* http_split of a watch: a line. */
long kube_split(const char *text, size_t len);
