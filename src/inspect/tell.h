/* Telling of flows that end, for who makes the table. */
#pragma once

#include "flow/flow.h"

/* Of flow_table_on_end(); arg is the inspect. */
void tell_flow_ended(void *arg, struct flow *f);
