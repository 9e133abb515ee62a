/* The tables that pools stand for; only for inspect/. */
#pragma once

#include "detect/sensor_scan.h"
#include "detect/sig_scan.h"
#include "flow/stream.h"
#include "inspect/pools.h"
#include "proto/dialogue.h"

struct stream_options pools_streams(const struct pools *p);
struct dialogue_limits pools_dialogues(const struct pools *p);
struct sig_scanner_options pools_signatures(const struct pools *p);
struct sensor_scanner_options pools_sensors(const struct pools *p);
