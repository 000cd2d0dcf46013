import { words } from "../words.ts";
import type { Dialect } from "./dialect.ts";

/** What is known of a function by its name, over all dialects. */
export type FunctionKind = "pure" | "outside" | "unknown";

/**
 * Whether a function only computes or reads what the query may read anyway (`pure`), or reaches files, programs, other hosts or native
 * code (`outside`). Everything else may write, and is `unknown`: what users define, sequences, locks, sleeps, settings.
 */
export function functionKind(name: string): FunctionKind {
  if (outside.has(name) || outsidePrefix.test(name)) return "outside";
  return pure.has(name) ? "pure" : "unknown";
}

/** PostgreSQL's file, large-object and dblink functions, MySQL's and SQLite's file functions, SQL Server's extended and OLE procedures. */
const outsidePrefix =
  /^(?:pg_read_|pg_ls_|pg_file_|pg_stat_file|dblink|lo_(?:import|export|from_bytea|put)|xp_|sp_oa|http_|utl_|dbms_|read_(?:csv|parquet|json|text|blob|ndjson)|sys_e)/;

const outside: ReadonlySet<string> = words(`
  load_file load_extension readfile writefile edit fsdir lsdir fts3_tokenizer zipfile sqlar_uncompress
  openrowset opendatasource openquery openxml_file sp_execute_external_script sp_configure sp_addextendedproc sp_cmdexec sp_send_dbmail
  pg_execute_server_program pg_current_logfile pg_reload_conf pg_rotate_logfile plpy_execute copy_program system sys_get sys_set
  query_to_xml query_to_xml_and_xmlschema cursor_to_xml database_to_xml schema_to_xml table_to_xml
  file url s3 remote remotesecure hdfs mysql postgresql executable jdbc odbc gcs azureblobstorage glob sniff_csv getenv
`);

/** Functions that only compute, aggregate, or tell about the session; of PostgreSQL, MySQL, SQLite and SQL Server. */
const pure: ReadonlySet<string> = words(`
  count sum avg min max total group_concat string_agg array_agg json_agg jsonb_agg json_object_agg jsonb_object_agg json_arrayagg
  json_objectagg bool_and bool_or every bit_and bit_or bit_xor stddev stddev_pop stddev_samp stdev stdevp variance var_pop var_samp var varp
  corr covar_pop covar_samp regr_slope regr_intercept regr_count regr_r2 percentile_cont percentile_disc mode median any_value count_big
  approx_count_distinct grouping grouping_id checksum_agg xmlagg
  row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value
  coalesce nullif ifnull isnull nvl iif if greatest least choose decode
  abs ceil ceiling floor round trunc truncate sign sqrt cbrt power pow exp ln log log2 log10 mod div pi degrees radians
  sin cos tan asin acos atan atan2 atn2 cot sinh cosh tanh gcd lcm factorial width_bucket square rand random
  length len char_length character_length octet_length bit_length datalength lower upper ucase lcase initcap trim ltrim rtrim btrim
  substr substring mid left right lpad rpad replace reverse repeat replicate space concat concat_ws position strpos instr locate charindex
  patindex ascii char chr unicode nchar unistr ord hex unhex translate overlay split_part substring_index field find_in_set elt quotename
  format format_number to_char to_number to_date to_timestamp to_hex quote quote_literal quote_ident quote_nullable printf stuff string_split
  starts_with ends_with regexp_matches regexp_match regexp_replace regexp_split_to_array regexp_split_to_table regexp_like regexp_substr
  regexp_instr regexp_count soundex difference strcmp normalize like glob insert make_set export_set bin oct conv str parsename
  md5 sha1 sha sha2 sha224 sha256 sha384 sha512 crc32 encode decode to_base64 from_base64 hashbytes checksum binary_checksum compress
  uncompress digest
  now current_timestamp current_date current_time localtime localtimestamp clock_timestamp statement_timestamp transaction_timestamp
  timeofday getdate getutcdate sysdatetime sysutcdatetime sysdate curdate curtime utc_date utc_time utc_timestamp date time datetime
  timestamp julianday unixepoch strftime strptime timediff age date_part date_trunc date_bin extract make_date make_time make_timestamp
  make_timestamptz make_interval justify_days justify_hours justify_interval isfinite to_days from_days dateadd datediff datediff_big
  datepart datename datefromparts eomonth date_add date_sub date_diff adddate subdate addtime subtime date_format time_format str_to_date
  timestampadd timestampdiff unix_timestamp from_unixtime day month year week weekday dayofweek dayofmonth dayofyear dayname monthname
  quarter hour minute second microsecond yearweek last_day period_add period_diff time_to_sec sec_to_time convert_tz isdate
  cast convert try_cast try_convert typeof pg_typeof to_regclass to_regtype binary collate parse try_parse
  json json_extract json_value json_query json_array json_object json_build_object json_build_array jsonb_build_object jsonb_build_array
  json_type json_valid json_quote json_unquote json_keys json_length json_depth json_contains json_contains_path json_search json_set
  json_insert json_replace json_remove json_patch json_merge json_merge_patch json_merge_preserve json_each json_tree json_array_length
  jsonb json_array_elements json_array_elements_text jsonb_array_elements jsonb_array_elements_text jsonb_array_length json_each_text
  jsonb_each jsonb_each_text json_object_keys jsonb_object_keys json_extract_path json_extract_path_text jsonb_extract_path
  jsonb_extract_path_text jsonb_path_query jsonb_path_query_array jsonb_path_query_first jsonb_path_exists jsonb_path_match jsonb_set
  jsonb_insert jsonb_pretty jsonb_strip_nulls json_strip_nulls jsonb_typeof json_typeof to_json to_jsonb row_to_json array_to_json
  json_populate_record jsonb_populate_record json_to_record json_to_recordset jsonb_to_record jsonb_to_recordset json_pretty json_table
  openjson isjson json_path_exists json_group_array json_group_object
  array array_length array_position array_positions array_append array_prepend array_cat array_remove array_replace array_to_string
  string_to_array array_upper array_lower array_dims array_ndims cardinality unnest generate_series generate_subscripts row any all some
  int4range int8range numrange tsrange tstzrange daterange isempty lower_inc upper_inc range_agg
  to_tsvector to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery ts_rank ts_rank_cd ts_headline setweight match against
  similarity word_similarity levenshtein bm25 highlight snippet
  version database schema user current_user session_user system_user current_database current_schema current_schemas current_setting
  connection_id row_count found_rows last_insert_rowid changes total_changes sqlite_version sqlite_source_id db_name db_id object_id
  object_name schema_name schema_id user_name suser_sname suser_name host_name app_name serverproperty databasepropertyex objectproperty
  columnproperty col_name col_length scope_identity ident_current has_perms_by_name is_member is_srvrolemember error_number error_message
  pg_backend_pid pg_postmaster_start_time pg_conf_load_time pg_is_in_recovery pg_relation_size pg_total_relation_size pg_table_size
  pg_indexes_size pg_database_size pg_size_pretty pg_size_bytes pg_column_size pg_get_viewdef pg_get_indexdef pg_get_constraintdef
  pg_get_functiondef pg_get_expr pg_get_userbyid pg_get_serial_sequence pg_table_is_visible pg_encoding_to_char obj_description
  col_description shobj_description format_type has_table_privilege has_schema_privilege has_database_privilege has_column_privilege
  has_function_privilege inet_aton inet_ntoa inet6_aton inet6_ntoa is_ipv4 is_ipv6 host masklen network netmask broadcast family text
  uuid gen_random_uuid uuid_generate_v4 newid newsequentialid randomblob zeroblob uuid_to_bin bin_to_uuid is_uuid
  nextafter likelihood likely unlikely values interval point box circle polygon st_distance st_within st_contains st_intersects
  st_astext st_asgeojson st_x st_y st_point st_makepoint st_setsrid st_transform st_area st_length st_dwithin st_buffer st_geomfromtext
  rollup cube
  table_info table_xinfo index_list index_info foreign_key_list database_list pragma_table_info pragma_table_xinfo pragma_index_list
  pragma_index_info pragma_foreign_key_list pragma_database_list pragma_table_list
`);

/** Reserved words that a bracket may follow, and types with a length: never called. */
export const notCalled: ReadonlySet<string> = words(`
  AND OR NOT IN EXISTS ANY ALL SOME SELECT FROM WHERE HAVING ON USING AS WITH UNION INTERSECT EXCEPT CASE WHEN THEN ELSE END GROUP ORDER
  LIMIT OFFSET FETCH DISTINCT VALUES INTO RETURNING TO BETWEEN LATERAL INTERVAL PRIMARY FOREIGN REFERENCES UNIQUE CHECK DEFAULT CONSTRAINT
  TABLE ANALYZE FOR WINDOW VARCHAR CHAR CHARACTER NCHAR DECIMAL NUMERIC DEC FLOAT REAL INT INTEGER BIGINT SMALLINT BIT TIMESTAMP TIME
`);

/** Words that a dialect reserves, or after which only it has brackets. */
export const notCalledIn: Readonly<Record<Dialect, ReadonlySet<string>>> = {
  postgres: words("TIMESTAMPTZ TIMETZ VARBIT"),
  mysql: words("RLIKE REGEXP INDEX PARTITION SIGNED UNSIGNED DATETIME TINYINT MEDIUMINT DOUBLE BINARY VARBINARY USE IGNORE FORCE"),
  sqlite: words("GLOB REGEXP"),
  mssql: words("TOP OUTPUT PIVOT UNPIVOT APPLY OPTION INDEX NVARCHAR VARBINARY BINARY TINYINT DATETIME2 DATETIMEOFFSET"),
};

/** Words that are not reserved everywhere: called where an expression begins, and keywords elsewhere (`GROUP BY (a)`, `JOIN (…)`). */
export const seldomCalled: ReadonlySet<string> = words(`
  BY JOIN RECURSIVE MATERIALIZED PARTITION SET ESCAPE INDEX SETS IS LIKE ILIKE SIMILAR CROSS OUTER INNER NATURAL EXPLAIN COPY MINUS RETURN
  VARYING DOUBLE
`);

/** Words behind which an expression begins. */
export const beforeExpression: ReadonlySet<string> = words(`
  SELECT WHERE AND OR NOT ON THEN ELSE WHEN CASE FROM RETURNING HAVING DISTINCT ALL LIMIT OFFSET BY VALUES IN BETWEEN LIKE ILIKE IS USING
`);
