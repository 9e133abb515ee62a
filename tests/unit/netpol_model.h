/*
 * What NetworkPolicies mean, read from them one by one for each question: slow, and
 * near to the words of Kubernetes' documentation.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "intent/judge.h"

/* An end of a connection. */
struct model_end {
	const json_t *pod; /* as intent_workload.about; NULL: it is none */
	struct ip_addr addr;
	bool node;
};

/* policies: [{namespace, name, spec}] */
bool model_allows(const json_t *policies, const struct model_end *from,
		  const struct model_end *to, uint8_t proto, uint16_t port);
