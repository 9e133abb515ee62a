/*
 * After Kafka's protocol guide, up to its version 4.0. A step's versions are those
 * of the request; ALL is any that is described.
 */
#include "proto/kafka_apis.h"

#define NEVER	255
#define UNREAD	255, 0, true
#define ALL	0, 254
#define FROM(v) v, 254
#define TO(v)	0, v
#define SKIP(n) KAFKA_SKIP, n

/* limits: table */
static const struct kafka_step produce[] = {
	{ KAFKA_STRING, 0, FROM(3) }, /* transaction */
	{ SKIP(6), ALL },	      /* acks, timeout */
	{ KAFKA_ARRAY, 0, ALL },
	{ KAFKA_TOPIC, 0, TO(12) },
	{ KAFKA_ID, 0, FROM(13) },
	{ KAFKA_ARRAY, 0, ALL },
	{ SKIP(4), ALL },
	{ KAFKA_BYTES, 0, ALL },
	{ KAFKA_CLOSE, 0, ALL },
	{ KAFKA_CLOSE, 0, ALL },
	{ KAFKA_END, 0, ALL },
};
/* limits: table */
static const struct kafka_step fetch[] = {
	{ SKIP(4), TO(14) },				 /* replica */
	{ SKIP(8), ALL },				 /* wait, at least */
	{ SKIP(4), FROM(3) },				 /* at most */
	{ SKIP(1), FROM(4) },	   { SKIP(8), FROM(7) }, /* session */
	{ KAFKA_ARRAY, 0, ALL },   { KAFKA_TOPIC, 0, TO(12) },
	{ KAFKA_ID, 0, FROM(13) }, { KAFKA_ARRAY, 0, ALL },
	{ SKIP(4), ALL },	   { SKIP(4), FROM(9) },
	{ SKIP(8), ALL }, /* offset */
	{ SKIP(4), FROM(12) },	   { SKIP(8), FROM(5) },
	{ SKIP(4), ALL },	   { KAFKA_CLOSE, 0, ALL },
	{ KAFKA_CLOSE, 0, ALL },   { KAFKA_END, 0, ALL },
};
/* limits: table */
static const struct kafka_step list_offsets[] = {
	{ SKIP(4), ALL },	 { SKIP(1), FROM(2) },
	{ KAFKA_ARRAY, 0, ALL }, { KAFKA_TOPIC, 0, ALL },
	{ KAFKA_ARRAY, 0, ALL }, { SKIP(4), ALL },
	{ SKIP(4), FROM(4) },	 { SKIP(8), ALL },
	{ SKIP(4), TO(0) },	 { KAFKA_CLOSE, 0, ALL },
	{ KAFKA_CLOSE, 0, ALL }, { KAFKA_END, 0, ALL },
};
/* limits: table */
static const struct kafka_step metadata[] = {
	{ KAFKA_ARRAY, 0, ALL },     { KAFKA_ID, 0, FROM(10) },
	{ KAFKA_TOPIC, 0, ALL },     { KAFKA_CLOSE_PLAIN, 0, TO(8) },
	{ KAFKA_CLOSE, 0, FROM(9) }, { KAFKA_END, 0, ALL },
};
/* limits: table */
static const struct kafka_step offset_commit[] = {
	{ KAFKA_STRING, 0, ALL }, /* group */
	{ SKIP(4), FROM(1) },
	{ KAFKA_STRING, 0, FROM(1) },
	{ KAFKA_STRING, 0, FROM(7) },
	{ SKIP(8), 2, 4 },
	{ KAFKA_ARRAY, 0, ALL },
	{ KAFKA_TOPIC, 0, TO(9) },
	{ KAFKA_ID, 0, FROM(10) },
	{ KAFKA_ARRAY, 0, ALL },
	{ SKIP(12), ALL },
	{ SKIP(4), FROM(6) },
	{ SKIP(8), 1, 1 },
	{ KAFKA_STRING, 0, ALL },
	{ KAFKA_CLOSE, 0, ALL },
	{ KAFKA_CLOSE, 0, ALL },
	{ KAFKA_END, 0, ALL },
};
/* limits: table */
static const struct kafka_step offset_fetch[] = {
	{ KAFKA_STRING, 0, TO(7) }, /* group */
	{ KAFKA_ARRAY, 0, FROM(8) },  { KAFKA_STRING, 0, FROM(8) },
	{ KAFKA_STRING, 0, FROM(9) }, { SKIP(4), FROM(9) },
	{ KAFKA_ARRAY, 0, ALL },      { KAFKA_TOPIC, 0, TO(9) },
	{ KAFKA_ID, 0, FROM(10) },    { KAFKA_INTS, 0, ALL },
	{ KAFKA_CLOSE, 0, ALL },      { KAFKA_CLOSE, 0, FROM(8) },
	{ KAFKA_END, 0, ALL },
};
/* limits: table */
static const struct kafka_step create_topics[] = {
	{ KAFKA_ARRAY, 0, ALL },
	{ KAFKA_TOPIC, 0, ALL },
	{ SKIP(6), ALL },
	{ KAFKA_ARRAY, 0, ALL }, /* which broker has what */
	{ SKIP(4), ALL },
	{ KAFKA_INTS, 0, ALL },
	{ KAFKA_CLOSE, 0, ALL },
	{ KAFKA_ARRAY, 0, ALL }, /* settings */
	{ KAFKA_STRING, 0, ALL },
	{ KAFKA_STRING, 0, ALL },
	{ KAFKA_CLOSE, 0, ALL },
	{ KAFKA_CLOSE, 0, ALL },
	{ KAFKA_END, 0, ALL },
};
/* limits: table */
static const struct kafka_step delete_topics[] = {
	{ KAFKA_ARRAY, 0, ALL },     { KAFKA_TOPIC, 0, ALL },
	{ KAFKA_ID, 0, FROM(6) },    { KAFKA_CLOSE_PLAIN, 0, TO(5) },
	{ KAFKA_CLOSE, 0, FROM(6) }, { KAFKA_END, 0, ALL },
};
/* limits: table */
static const struct kafka_step delete_records[] = {
	{ KAFKA_ARRAY, 0, ALL }, { KAFKA_TOPIC, 0, ALL },
	{ KAFKA_ARRAY, 0, ALL }, { SKIP(12), ALL },
	{ KAFKA_CLOSE, 0, ALL }, { KAFKA_CLOSE, 0, ALL },
	{ KAFKA_END, 0, ALL },
};
/* limits: table */
static const struct kafka_step leader_epoch[] = {
	{ SKIP(4), FROM(3) },	 { KAFKA_ARRAY, 0, ALL },
	{ KAFKA_TOPIC, 0, ALL }, { KAFKA_ARRAY, 0, ALL },
	{ SKIP(8), ALL },	 { SKIP(4), FROM(2) },
	{ KAFKA_CLOSE, 0, ALL }, { KAFKA_CLOSE, 0, ALL },
	{ KAFKA_END, 0, ALL },
};
/* limits: table */
static const struct kafka_step add_partitions[] = {
	{ KAFKA_ARRAY, 0, FROM(4) }, { KAFKA_STRING, 0, ALL }, /* transaction */
	{ SKIP(10), ALL },				       /* producer */
	{ SKIP(1), FROM(4) },	     { KAFKA_ARRAY, 0, ALL },
	{ KAFKA_TOPIC, 0, ALL },     { KAFKA_INTS, 0, ALL },
	{ KAFKA_CLOSE, 0, ALL },     { KAFKA_CLOSE, 0, FROM(4) },
	{ KAFKA_END, 0, ALL },
};
/* limits: table */
static const struct kafka_step txn_commit[] = {
	{ KAFKA_STRING, 0, ALL }, /* transaction */
	{ KAFKA_STRING, 0, ALL }, /* group */
	{ SKIP(10), ALL },
	{ SKIP(4), FROM(3) },
	{ KAFKA_STRING, 0, FROM(3) },
	{ KAFKA_STRING, 0, FROM(3) },
	{ KAFKA_ARRAY, 0, ALL },
	{ KAFKA_TOPIC, 0, ALL },
	{ KAFKA_ARRAY, 0, ALL },
	{ SKIP(12), ALL },
	{ SKIP(4), FROM(2) },
	{ KAFKA_STRING, 0, ALL },
	{ KAFKA_CLOSE, 0, ALL },
	{ KAFKA_CLOSE, 0, ALL },
	{ KAFKA_END, 0, ALL },
};
/* limits: table */
static const struct kafka_step create_partitions[] = {
	{ KAFKA_ARRAY, 0, ALL }, { KAFKA_TOPIC, 0, ALL },
	{ SKIP(4), ALL },	 { KAFKA_ARRAY, 0, ALL },
	{ KAFKA_INTS, 0, ALL },	 { KAFKA_CLOSE, 0, ALL },
	{ KAFKA_CLOSE, 0, ALL }, { KAFKA_END, 0, ALL },
};

/* By number. Where no steps are, flexible is of no use. */
/* limits: table */
static const struct kafka_api apis[] = {
	{ "produce", 9, 13, false, produce },
	{ "fetch", 12, 17, false, fetch },
	{ "listOffsets", 6, 10, false, list_offsets },
	{ "metadata", 9, 13, false, metadata },
	{ "leaderAndIsr", UNREAD },
	{ "stopReplica", UNREAD },
	{ "updateMetadata", UNREAD },
	{ "controlledShutdown", NEVER },
	{ "offsetCommit", 8, 10, false, offset_commit },
	{ "offsetFetch", 6, 10, false, offset_fetch },
	{ "findCoordinator", NEVER },
	{ "joinGroup", NEVER },
	{ "heartbeat", NEVER },
	{ "leaveGroup", NEVER },
	{ "syncGroup", NEVER },
	{ "describeGroups", NEVER },
	{ "listGroups", NEVER },
	{ "saslHandshake", NEVER },
	{ "apiVersions", NEVER },
	{ "createTopics", 5, 7, false, create_topics },
	{ "deleteTopics", 4, 6, false, delete_topics },
	{ "deleteRecords", 2, 2, false, delete_records },
	{ "initProducerId", NEVER },
	{ "offsetForLeaderEpoch", 4, 4, false, leader_epoch },
	{ "addPartitionsToTxn", 3, 5, false, add_partitions },
	{ "addOffsetsToTxn", NEVER },
	{ "endTxn", NEVER },
	{ "writeTxnMarkers", UNREAD },
	{ "txnOffsetCommit", 3, 5, false, txn_commit },
	{ "describeAcls", NEVER },
	{ "createAcls", UNREAD },
	{ "deleteAcls", UNREAD },
	{ "describeConfigs", UNREAD },
	{ "alterConfigs", UNREAD },
	{ "alterReplicaLogDirs", UNREAD },
	{ "describeLogDirs", UNREAD },
	{ "saslAuthenticate", NEVER },
	{ "createPartitions", 2, 3, false, create_partitions },
	{ "createDelegationToken", NEVER },
	{ "renewDelegationToken", NEVER },
	{ "expireDelegationToken", NEVER },
	{ "describeDelegationToken", NEVER },
	{ "deleteGroups", NEVER },
	{ "electLeaders", UNREAD },
	{ "incrementalAlterConfigs", UNREAD },
	{ "alterPartitionReassignments", UNREAD },
	{ "listPartitionReassignments", UNREAD },
	{ "offsetDelete", UNREAD },
	{ "describeClientQuotas", NEVER },
	{ "alterClientQuotas", NEVER },
	{ "describeUserScramCredentials", NEVER },
	{ "alterUserScramCredentials", NEVER },
	{ "vote", UNREAD },
	{ "beginQuorumEpoch", UNREAD },
	{ "endQuorumEpoch", UNREAD },
	{ "describeQuorum", UNREAD },
	{ "alterPartition", UNREAD },
	{ "updateFeatures", NEVER },
	{ "envelope", UNREAD },
	{ "fetchSnapshot", UNREAD },
	{ "describeCluster", NEVER },
	{ "describeProducers", UNREAD },
	{ "brokerRegistration", NEVER },
	{ "brokerHeartbeat", NEVER },
	{ "unregisterBroker", NEVER },
	{ "describeTransactions", NEVER },
	{ "listTransactions", NEVER },
	{ "allocateProducerIds", NEVER },
	{ "consumerGroupHeartbeat", NEVER },
	{ "consumerGroupDescribe", NEVER },
	{ "controllerRegistration", NEVER },
	{ "getTelemetrySubscriptions", NEVER },
	{ "pushTelemetry", NEVER },
	{ "assignReplicasToDirs", UNREAD },
	{ "listConfigResources", NEVER },
	{ "describeTopicPartitions", UNREAD },
	{ "shareGroupHeartbeat", NEVER },
	{ "shareGroupDescribe", NEVER },
	{ "shareFetch", UNREAD },
	{ "shareAcknowledge", UNREAD },
};

const struct kafka_api *kafka_api(uint16_t number)
{
	return number < sizeof apis / sizeof *apis ? &apis[number] : NULL;
}
