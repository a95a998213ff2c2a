//! What is counted, for Prometheus.

use std::time::Duration;

use axum::http::Method;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Starts counting; once for each process.
pub fn install() -> Option<PrometheusHandle> {
    let buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full("kirana_http_request_seconds".to_owned()), &buckets)
        .ok()?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).ok()?;
    metrics::describe_histogram!("kirana_http_request_seconds", "How long requests took, by route.");
    metrics::describe_counter!("kirana_http_requests_total", "Requests by route and status.");
    Some(handle)
}

/// Counts a request under its route's pattern, never its path.
pub fn observe(method: &Method, route: &str, status: u16, took: Duration) {
    let method = match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "OTHER",
    };
    let class = match status {
        0..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    };
    let labels = [("method", method.to_owned()), ("route", route.to_owned()), ("status", class.to_owned())];
    metrics::counter!("kirana_http_requests_total", &labels).increment(1);
    metrics::histogram!("kirana_http_request_seconds", &labels[..2]).record(took.as_secs_f64());
}
