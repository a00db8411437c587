//! CX2, the exchange format of Cytoscape 3.10, Cytoscape Web and NDEx, with positions and visual properties.
//!
//! <https://cytoscape.org/cx/cx2/specification/cytoscape-exchange-format-specification-(version-2)/>

use std::io::Write;

use serde_json::{Map, Value, json};

use super::drawing::{EdgeMark, GeneMark, NetworkDrawing, Rgb, UNSIGNED, hex, short};
use super::relation::{RELATIONS, relation};
use super::{NetworkFormat, elements};
use crate::graph::{Edge, GeneGraph};

pub(super) const FORMAT: NetworkFormat =
    NetworkFormat { name: "cx2", about: "Cytoscape 3.10 and NDEx: positions and style", write, tables: &[] };

fn write(graph: &GeneGraph, drawing: Option<&NetworkDrawing>, out: &mut dyn Write) -> std::io::Result<()> {
    let (nodes, edges) = elements(
        graph,
        drawing,
        |g, place, mark| node(graph, g, place, mark),
        |k, edge, mark| edge_of(graph, k, edge, mark),
    );
    let aspects = [
        ("attributeDeclarations", vec![declarations(graph, drawing.is_some())]),
        ("networkAttributes", vec![about(drawing)]),
        ("nodes", nodes),
        ("edges", edges),
        ("visualProperties", vec![style(drawing)]),
    ];
    let count = |(name, rows): &(&str, Vec<Value>)| json!({"name": name, "elementCount": rows.len()});
    let mut document = vec![
        json!({"CXVersion": "2.0", "hasFragments": false}),
        json!({"metaData": aspects.iter().map(count).collect::<Vec<_>>()}),
    ];
    document.extend(aspects.map(|(name, rows)| json!({ name: rows })));
    document.push(json!({"status": [{"success": true}]}));
    serde_json::to_writer(&mut *out, &document)?;
    writeln!(out)
}

fn about(drawing: Option<&NetworkDrawing>) -> Value {
    json!({"name": drawing.map_or("genes", |d| &d.title), "description": drawing.map_or("", |d| &d.description)})
}

/// Every attribute with its type.
fn declarations(graph: &GeneGraph, drawn: bool) -> Value {
    let (text, number) = (json!({"d": "string"}), json!({"d": "double"}));
    let mut nodes = json!({"name": text});
    if drawn {
        nodes = json!({"name": text, "delta": number, "diameter": number, "degree": {"d": "integer"},
            "hop": {"d": "integer"}, "module": {"d": "integer"}, "perturbed": {"d": "boolean"}});
    }
    let mut edges = Map::new();
    for name in ["interaction", "sign"] {
        edges.insert(name.into(), text.clone());
    }
    edges.insert("weight".into(), number.clone());
    if drawn {
        edges.insert("prior_only".into(), json!({"d": "boolean"}));
        edges.insert("width".into(), number.clone());
    }
    edges.extend(graph.channels().iter().map(|c| (c.to_string(), number.clone())));
    json!({"networkAttributes": {"name": text, "description": text}, "nodes": nodes, "edges": edges})
}

fn node(graph: &GeneGraph, gene: usize, (x, y): (f64, f64), mark: Option<&GeneMark>) -> Value {
    let mut v = Map::new();
    v.insert("name".into(), graph.genes().names()[gene].as_ref().into());
    if let Some(mark) = mark {
        v.extend(mark.delta.map(|delta| ("delta".to_owned(), short(delta).into())));
        v.insert("diameter".into(), short(mark.diameter).into());
        v.insert("degree".into(), mark.degree.into());
        v.insert("hop".into(), mark.hop.into());
        v.insert("module".into(), mark.module.into());
        v.insert("perturbed".into(), mark.perturbed.into());
    }
    json!({"id": gene, "x": x, "y": y, "v": v})
}

fn edge_of(graph: &GeneGraph, k: usize, edge: &Edge, mark: Option<&EdgeMark>) -> Value {
    let mut v = Map::new();
    v.insert("interaction".into(), relation(edge, mark).into());
    v.insert("sign".into(), edge.sign.symbol().into());
    v.insert("weight".into(), short(edge.weight).into());
    if let Some(mark) = mark {
        v.insert("prior_only".into(), mark.prior_only.into());
        v.insert("width".into(), short(mark.width).into());
    }
    for (channel, score) in &edge.evidence {
        v.insert(graph.channels()[channel.0 as usize].to_string(), short(*score).into());
    }
    json!({"id": k, "s": edge.source.0, "t": edge.target.0, "v": v})
}

fn style(drawing: Option<&NetworkDrawing>) -> Value {
    let unsigned = hex(UNSIGNED);
    let discrete = |values: Vec<(Value, Value)>, attribute: &str, kind: &str| {
        let map: Vec<Value> = values.into_iter().map(|(v, vp)| json!({"v": v, "vp": vp})).collect();
        json!({"type": "DISCRETE", "definition": {"attribute": attribute, "type": kind, "map": map}})
    };
    let by_relation = |of: &dyn Fn(&str, Rgb) -> Value| {
        let values = RELATIONS.iter().map(|(name, shape, color)| ((*name).into(), of(shape, *color))).collect();
        discrete(values, "interaction", "string")
    };
    let passing = |attribute: &str, kind: &str| json!({"type": "PASSTHROUGH", "definition": {"attribute": attribute, "type": kind}});
    let mut nodes = json!({"NODE_LABEL": passing("name", "string")});
    let mut edges = json!({
        "EDGE_TARGET_ARROW_SHAPE": by_relation(&|shape, _| shape.into()),
        "EDGE_TARGET_ARROW_COLOR": by_relation(&|_, color| hex(color).into()),
        "EDGE_LINE_COLOR": by_relation(&|_, color| hex(color).into()),
    });
    if let Some(drawing) = drawing {
        for side in ["NODE_WIDTH", "NODE_HEIGHT"] {
            nodes[side] = passing("diameter", "double");
        }
        nodes["NODE_BORDER_WIDTH"] = discrete(vec![(true.into(), 4.0.into())], "perturbed", "boolean");
        if drawing.scale.len() > 1 {
            nodes["NODE_BACKGROUND_COLOR"] = diverging(&drawing.scale);
        }
        edges["EDGE_WIDTH"] = passing("width", "double");
        edges["EDGE_LINE_STYLE"] = discrete(vec![(true.into(), "dashed".into())], "prior_only", "boolean");
    }
    json!({
        "default": {
            "network": {"NETWORK_BACKGROUND_COLOR": "#ffffff"},
            "node": {"NODE_SHAPE": "ellipse", "NODE_BACKGROUND_COLOR": "#b8c0c8", "NODE_BORDER_COLOR": "#1b2733",
                "NODE_BORDER_WIDTH": 1.0, "NODE_WIDTH": 30.0, "NODE_HEIGHT": 30.0, "NODE_LABEL_FONT_SIZE": 10,
                "NODE_LABEL_COLOR": "#1b2733",
                "NODE_LABEL_POSITION": {"HORIZONTAL_ALIGN": "center", "VERTICAL_ALIGN": "top",
                    "HORIZONTAL_ANCHOR": "center", "VERTICAL_ANCHOR": "bottom", "MARGIN_X": 0, "MARGIN_Y": 2,
                    "JUSTIFICATION": "center"}},
            "edge": {"EDGE_WIDTH": 1.5, "EDGE_LINE_COLOR": unsigned, "EDGE_LINE_STYLE": "solid",
                "EDGE_TARGET_ARROW_SHAPE": "none", "EDGE_TARGET_ARROW_COLOR": unsigned},
        },
        "nodeMapping": nodes,
        "edgeMapping": edges,
    })
}

/// The colour scale as a continuous mapping: it can be edited in Cytoscape.
fn diverging(scale: &[(f32, Rgb)]) -> Value {
    let (first, last) = (scale[0], scale[scale.len() - 1]);
    let mut map = vec![json!({"max": short(first.0), "maxVPValue": hex(first.1), "includeMax": false})];
    map.extend(scale.windows(2).map(|pair| {
        json!({"min": short(pair[0].0), "max": short(pair[1].0), "minVPValue": hex(pair[0].1),
            "maxVPValue": hex(pair[1].1), "includeMin": true, "includeMax": pair[1] == last})
    }));
    map.push(json!({"min": short(last.0), "minVPValue": hex(last.1), "includeMin": false}));
    json!({"type": "CONTINUOUS", "definition": {"attribute": "delta", "type": "double", "map": map}})
}
