// What a dashboard of ours may hold, out of Grafana's own types. Its enumerations stand in JSON as
// their values, hence `Plain`. Not among its types: Prometheus' query, an annotation's query, and
// `auto` of variables, which the SDK writes for all of them.
import type { AnnotationQuery, Dashboard, DataQuery, FieldConfigSource, Panel, RowPanel, VariableModel } from '@grafana/schema';
import type * as bargauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as timeseries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

type Plain<T> = T extends string
  ? `${T}`
  : T extends Array<infer Item>
    ? Array<Plain<Item>>
    : T extends object
      ? { [Key in keyof T]: Plain<T[Key]> }
      : T;

interface PrometheusQuery extends DataQuery {
  expr: string;
  editorMode?: 'code' | 'builder';
  format?: 'time_series' | 'table' | 'heatmap';
  instant?: boolean;
  legendFormat?: string;
  range?: boolean;
}

type Drawn<Type, Options, Custom> = Plain<
  Omit<Panel, 'fieldConfig' | 'options' | 'targets' | 'type'> & {
    fieldConfig: FieldConfigSource<Partial<Custom>>;
    options: Options;
    targets: PrometheusQuery[];
    type: Type;
  }
>;

export type Bars = Drawn<'bargauge', bargauge.Options, Record<string, never>>;
export type Lines = Drawn<'timeseries', timeseries.Options, timeseries.FieldConfig>;
export type Row = Plain<RowPanel>;
export type Table = Drawn<'table', Partial<table.Options>, table.FieldConfig>;
export type Tiles = Drawn<'stat', stat.Options, Record<string, never>>;
export type Whole = Plain<
  Omit<Dashboard, 'annotations' | 'panels' | 'templating'> & {
    annotations: { list: Array<AnnotationQuery & { expr: string }> };
    templating: { list?: Array<VariableModel & { auto?: boolean; auto_count?: number; auto_min?: string }> };
  }
>;
