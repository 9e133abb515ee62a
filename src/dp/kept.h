/*
 * What is kept for workloads beside the snapshot: ports and what speaks there,
 * DLP/WAF settings. All by the workload's index. Control
 * thread only.
 */
#pragma once

#include <stdint.h>

#include "dp/appmap.h"
#include "dp/dlp.h"

struct kept {
	struct app_maps *apps;
	struct dlp *dlp;
};

/* -ENOMEM */
int kept_init(struct kept *k);
/* Also of one that was half made or is all zero. */
void kept_done(struct kept *k);
/* The workload is gone. */
void kept_forget(struct kept *k, uint16_t endpoint);
