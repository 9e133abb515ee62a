/*
 * What a CRI runtime says of pods, read: bytes of protobuf in, values out. Pure.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "runtime/container.h"

/* Pods that are ready, {id: brief}; NULL and *reterr: it is no such list. */
json_t *cri_read_pods(const uint8_t *m, size_t len, struct err *reterr);
/* From a verbose PodSandboxStatus. What ret owns is the caller's. */
bool cri_read_pod(const uint8_t *m, size_t len, struct container *ret,
		  struct err *reterr);
