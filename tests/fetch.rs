//! `grn data fetch` against a server with faults.
#![allow(clippy::unwrap_used)]

#[path = "support/screen.rs"]
mod screen;
#[path = "support/server.rs"]
mod server;

use std::path::{Path, PathBuf};
use std::process::Output;

use grn::stats::Rng;
use serde_json::Value;
use sha2::{Digest, Sha256};

use self::screen::{grn_with, transcript};
use self::server::{Answer, Asked, Server};

/// A data set of one file of which neither size nor checksum is known.
const SET: &str = "gears-dixit";
const FILE: &str = "dixit.zip";
const PROXIES: [&str; 6] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];

fn bytes(n: usize) -> Vec<u8> {
    let mut rng = Rng::named(7, "fetch");
    (0..n).map(|_| rng.below(256) as u8).collect()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// A folder to fetch into.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn folder(&self) -> &Path {
        self.0.path()
    }

    fn path(&self, ending: &str) -> PathBuf {
        self.folder().join("data").join(format!("{FILE}{ending}"))
    }

    fn run(&self, server: &Server, more: &[&str]) -> Output {
        self.run_set(SET, server, more)
    }

    fn run_set(&self, set: &str, server: &Server, more: &[&str]) -> Output {
        let args = ["data", "fetch", set, "--base-url", &server.url, "--pause", "0.01", "--no-progress"];
        let direct: Vec<(&str, &str)> = PROXIES.iter().map(|name| (*name, "")).chain([("NO_PROXY", "*")]).collect();
        grn_with(self.folder(), &[&args[..], more].concat(), &direct)
    }

    /// Runs, and expects the whole file under its name and nothing of the way there.
    fn fetches(&self, server: &Server, more: &[&str], body: &[u8]) -> Value {
        let output = self.run(server, &[more, &["--json"]].concat());
        assert!(output.status.success(), "{}", transcript(self.folder(), &output));
        self.is_whole(body);
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn is_whole(&self, body: &[u8]) {
        assert!(std::fs::read(self.path("")).unwrap() == body, "the file differs");
        assert!(!self.path(".part").exists() && !self.path(".part.json").exists());
        let line = std::fs::read_to_string(self.path(".sha256")).unwrap();
        assert_eq!(line, format!("{}  {FILE}\n", sha256(body)));
    }

    /// Runs, and expects an error with exit code 2 and no file under the final name.
    fn fails(&self, server: &Server, more: &[&str], with: &[&str]) -> String {
        let output = self.run(server, more);
        let said = transcript(self.folder(), &output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        with.iter().for_each(|text| assert!(said.contains(text), "no `{text}` in\n{said}"));
        assert!(!self.path("").exists(), "{said}");
        said
    }

    fn held(&self) -> u64 {
        std::fs::metadata(self.path(".part")).map_or(0, |m| m.len())
    }
}

/// A server of a file that answers well from the first `n` requests on as `fault` says.
fn faulty(body: &[u8], fault: impl Fn(&Asked, Answer) -> Answer + Send + Sync + 'static) -> Server {
    let body = body.to_vec();
    Server::start(move |asked| fault(asked, Answer::of_file(&body, "\"one\"", asked)))
}

#[test]
fn a_file_arrives_with_its_checksum_and_its_licence() {
    let (place, body) = (Place::new(), bytes(300_000));
    let server = faulty(&body, |_, answer| answer);
    let told = place.fetches(&server, &[], &body);
    assert_eq!(told["files"][0]["sha256"], sha256(&body));
    assert_eq!(told["files"][0]["checked"], "size", "nobody stated a checksum");
    assert_eq!(told["files"][0]["bytes"], 300_000);
    let licence = std::fs::read_to_string(place.folder().join("data/gears-dixit.LICENCE.txt")).unwrap();
    for text in ["CC0 1.0", "https://doi.org/10.7910/DVN/Q2ZV3E", "Dixit et al.", &server.url, "UTC"] {
        assert!(licence.contains(text), "{licence}");
    }
    assert!(server.asked()[0].path.ends_with("/api/access/datafile/6154416"));
    assert!(server.asked()[0].agent.starts_with("grn/"));
}

#[test]
fn a_file_that_is_there_is_left_alone() {
    let (place, body) = (Place::new(), bytes(50_000));
    let server = faulty(&body, |_, answer| answer);
    place.fetches(&server, &[], &body);
    let told = place.fetches(&server, &[], &body);
    assert_eq!((&told["files"][0]["was_there"], server.asked().len()), (&Value::Bool(true), 1), "asked again");
    // Bytes that rotted are noticed, and fetched anew where that is wanted.
    let mut rotten = body.clone();
    rotten[777] ^= 1;
    std::fs::write(place.path(""), &rotten).unwrap();
    let refused = place.run(&server, &[]);
    assert_eq!(refused.status.code(), Some(2), "{}", transcript(place.folder(), &refused));
    assert!(transcript(place.folder(), &refused).contains("--overwrite"));
    assert!(std::fs::read(place.path("")).unwrap() == rotten, "a file of the user was touched");
    place.fetches(&server, &["--overwrite"], &body);
}

#[test]
fn a_file_put_there_by_hand_is_checked() {
    let (place, body) = (Place::new(), bytes(50_000));
    let server = faulty(&body, |_, answer| answer);
    std::fs::create_dir(place.folder().join("data")).unwrap();
    std::fs::write(place.path(""), &body).unwrap();
    place.fetches(&server, &["--sha256", &sha256(&body)], &body);
    assert!(server.asked().is_empty());
}

#[test]
fn cut_connections_are_continued_where_they_broke() {
    let (place, body) = (Place::new(), bytes(400_000));
    let server = faulty(&body, |asked, answer| if asked.n < 5 { answer.cut(60_000) } else { answer });
    place.fetches(&server, &[], &body);
    let from: Vec<Option<usize>> = server.asked().iter().map(|a| a.from).collect();
    assert_eq!(from, [None, Some(60_000), Some(120_000), Some(180_000), Some(240_000), Some(300_000)]);
    assert!(server.asked()[1..].iter().all(|a| a.if_range.as_deref() == Some("\"one\"")));
}

#[test]
fn what_one_run_leaves_the_next_continues() {
    let (place, body) = (Place::new(), bytes(400_000));
    let server = faulty(&body, |asked, answer| if asked.n < 2 { answer.cut(100_000) } else { answer });
    let said = place.fails(&server, &["--attempts", "2"], &["200000 bytes", "kept", "the same command"]);
    assert!(said.contains("400000 bytes"), "{said}");
    assert_eq!(place.held(), 200_000);
    let told = place.fetches(&server, &[], &body);
    assert_eq!(told["files"][0]["continued_from"], 200_000);
    assert_eq!(server.asked()[2].from, Some(200_000));
}

#[test]
fn a_server_without_ranges_sends_all_of_it_again() {
    let (place, body) = (Place::new(), bytes(200_000));
    let all = body.clone();
    let server = Server::start(move |asked| {
        let answer = Answer::whole(&all).header("etag", "\"one\"");
        if asked.n == 0 { answer.cut(150_000) } else { answer }
    });
    place.fetches(&server, &[], &body);
    assert_eq!(server.asked()[1].from, Some(150_000), "it was worth a try");
}

#[test]
fn a_file_that_changes_on_the_way_is_taken_anew() {
    let (place, old, new) = (Place::new(), bytes(200_000), bytes(260_000).split_off(10_000));
    let after = new.clone();
    let server = Server::start(move |asked| match asked.n {
        0 => Answer::of_file(&old, "\"old\"", asked).cut(90_000),
        _ => Answer::of_file(&after, "\"new\"", asked),
    });
    place.fetches(&server, &[], &new);
    assert_eq!(server.asked()[1].if_range.as_deref(), Some("\"old\""));
}

#[test]
fn a_range_of_another_version_is_not_glued_on() {
    // A server that ignores If-Range.
    let (place, old, new) = (Place::new(), bytes(200_000), bytes(260_000).split_off(60_000));
    let after = new.clone();
    let server = Server::start(move |asked| {
        let asked_plainly = Asked { if_range: None, ..asked.clone() };
        match asked.n {
            0 => Answer::of_file(&old, "\"old\"", asked).cut(90_000),
            _ => Answer::of_file(&after, "\"new\"", &asked_plainly),
        }
    });
    place.fetches(&server, &[], &new);
    assert_eq!(server.asked().last().unwrap().from, None);
}

#[test]
fn without_a_version_nothing_is_glued_on() {
    let (place, body) = (Place::new(), bytes(200_000));
    let all = body.clone();
    let server = Server::start(move |asked| {
        let mut answer = Answer::of_file(&all, "", asked);
        answer.headers.retain(|(name, _)| *name != "etag");
        if asked.n == 0 { answer.cut(90_000) } else { answer }
    });
    place.fetches(&server, &[], &body);
    assert_eq!(server.asked()[1].from, None);
    // With a checksum the whole is checked at the end: the rest may be asked for.
    let place = Place::new();
    let all = body.clone();
    let server = Server::start(move |asked| {
        let mut answer = Answer::of_file(&all, "", asked);
        answer.headers.retain(|(name, _)| *name != "etag");
        if asked.n == 0 { answer.cut(90_000) } else { answer }
    });
    place.fetches(&server, &["--sha256", &sha256(&body)], &body);
    assert_eq!(server.asked()[1].from, Some(90_000));
}

#[test]
fn a_wrong_checksum_leaves_nothing() {
    let (place, body) = (Place::new(), bytes(100_000));
    let server = faulty(&body, |_, answer| answer);
    let other = sha256(b"another file");
    place.fails(&server, &["--sha256", &other], &["wrong checksum", &other, &sha256(&body)]);
    assert_eq!(place.held(), 0);
    assert!(!place.path(".sha256").exists());
}

#[test]
fn the_known_checksum_of_a_data_set_is_kept_to() {
    let (place, wrong) = (Place::new(), bytes(2_824));
    let server = faulty(&wrong, |_, answer| answer);
    let only = ["--only", "pert_counts_Training.csv"];
    let output = place.run_set("vcc-2025-train", &server, &only);
    let said = transcript(place.folder(), &output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("633d202be221418bdbac16efd8cb169666de0ef6469a4e9bfdfb64666ea81a89"), "{said}");
    assert!(!place.folder().join("data/pert_counts_Training.csv").exists());
    // Another size is noticed before anything is received.
    let longer = faulty(&bytes(2_825), |_, answer| answer);
    let said = transcript(place.folder(), &place.run_set("vcc-2025-train", &longer, &only));
    assert!(said.contains("expected 2824 bytes, got 2825"), "{said}");
}

#[test]
fn what_the_host_states_is_checked() {
    let body = bytes(100_000);
    let t = |name: &'static str, value: &'static str, good: bool| {
        let place = Place::new();
        let server = faulty(&body, move |_, answer| answer.header(name, value));
        if good {
            let told = place.fetches(&server, &[], &body);
            assert!(told["files"][0]["checked"].as_str().unwrap().ends_with("of the host"), "{told}");
        } else {
            place.fails(&server, &[], &["wrong checksum", "stated by the host"]);
        }
    };
    // Sums of nine digits: right for no file of this test.
    t("content-md5", "JfnnlDI7RTiF9RgfG2JNCw==", false);
    t("x-goog-hash", "crc32c=4waSgw==", false);
    t("repr-digest", "sha-256=:FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=:", false);
    let md5 = md5::Md5::digest(&body);
    t("x-goog-hash", Box::leak(format!("md5={}", base64(&md5)).into_boxed_str()), true);
    t("content-md5", Box::leak(base64(&md5).into_boxed_str()), true);
    t("repr-digest", Box::leak(format!("sha-256=:{}:", base64(&Sha256::digest(&body))).into_boxed_str()), true);
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let held = three.iter().fold(0u32, |held, &b| held << 8 | u32::from(b)) << (8 * (3 - three.len()));
        for k in 0..4 {
            let digit = DIGITS[(held >> (18 - 6 * k) & 63) as usize] as char;
            text.push(if k > three.len() { '=' } else { digit });
        }
    }
    text
}

#[test]
fn a_stated_checksum_survives_a_cut() {
    // Only the first answer states it: the answers to ranges do not.
    let (place, body) = (Place::new(), bytes(100_000));
    let server = faulty(&body, |asked, answer| match asked.n {
        0 => answer.header("content-md5", "JfnnlDI7RTiF9RgfG2JNCw==").cut(50_000),
        _ => answer,
    });
    place.fails(&server, &[], &["wrong checksum"]);
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn a_length_that_lies_is_not_believed() {
    // More is announced than comes.
    let (place, body) = (Place::new(), bytes(100_000));
    let all = body.clone();
    let server = Server::start(move |asked| Answer {
        stated: Some(120_000 - asked.from.unwrap_or(0)),
        ..Answer::of_file(&all, "\"one\"", asked)
    });
    place.fails(&server, &["--attempts", "3"], &["cannot be continued", "size it stated"]);
    let told = Place::new().fetches(&server, &["--sha256", &sha256(&body)], &body);
    assert_eq!(told["files"][0]["checked"], "known sha256", "the checksum decides");
    // Less is announced than there is: the checksum says so.
    let place = Place::new();
    let all = body.clone();
    let server = Server::start(move |asked| Answer { stated: Some(80_000), ..Answer::of_file(&all, "\"one\"", asked) });
    place.fails(&server, &["--sha256", &sha256(&body)], &["wrong checksum"]);
}

#[test]
fn a_length_that_is_not_said_is_no_fault() {
    let (place, body) = (Place::new(), bytes(100_000));
    let server = faulty(&body, |_, answer| Answer { chunked: true, ..answer });
    let told = place.fetches(&server, &[], &body);
    assert_eq!(told["files"][0]["checked"], "unchecked");
    // A cut is noticed all the same.
    let place = Place::new();
    let server =
        faulty(&body, |asked, answer| Answer { chunked: true, cut: (asked.n == 0).then_some(40_000), ..answer });
    place.fetches(&server, &[], &body);
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn a_complete_part_needs_no_more_bytes() {
    let (place, body) = (Place::new(), bytes(100_000));
    let server = faulty(&body, |_, answer| answer);
    place.fetches(&server, &[], &body);
    // As a run leaves it that is killed after the last byte and before the rename.
    std::fs::rename(place.path(""), place.path(".part")).unwrap();
    let url = format!("{}/api/access/datafile/6154416", server.url);
    let note = |total: Value| {
        let text = serde_json::json!({ "url": url, "total": total, "etag": "\"one\"", "last_modified": null, "sums": [], "owner": "x" });
        std::fs::write(place.path(".part.json"), text.to_string()).unwrap();
    };
    note(100_000.into());
    place.fetches(&server, &[], &body);
    assert_eq!(server.asked().len(), 1);
    // Where the size was never stated, the host says that nothing is missing (416).
    std::fs::rename(place.path(""), place.path(".part")).unwrap();
    note(Value::Null);
    place.fetches(&server, &[], &body);
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn a_part_that_is_too_long_is_thrown_away() {
    let (place, body) = (Place::new(), bytes(100_000));
    let server = faulty(&body, |asked, answer| if asked.n == 0 { answer.cut(70_000) } else { answer });
    place.fails(&server, &["--attempts", "1"], &["kept"]);
    let mut long = std::fs::read(place.path(".part")).unwrap();
    long.extend(bytes(90_000));
    std::fs::write(place.path(".part"), long).unwrap();
    place.fetches(&server, &[], &body);
    // A note that cannot be read makes the part useless as well.
    let place = Place::new();
    std::fs::create_dir(place.folder().join("data")).unwrap();
    std::fs::write(place.path(".part"), &body[..50_000]).unwrap();
    std::fs::write(place.path(".part.json"), "{\"url\": ").unwrap();
    place.fetches(&server, &[], &body);
}

#[test]
fn errors_of_the_host_are_told_with_a_way_out() {
    let t = |status: u16, with: &[&str]| {
        let place = Place::new();
        let server = Server::start(move |_| Answer::status(status));
        place.fails(&server, &["--attempts", "2"], with);
        server.asked().len()
    };
    assert_eq!(t(404, &["404 (not found)", "--base-url"]), 1);
    assert_eq!(t(403, &["403 (forbidden)", "by hand", "dixit.zip"]), 1);
    assert_eq!(t(500, &["500 (server error)"]), 2);
    assert_eq!(t(202, &["page for browsers", "by hand"]), 1);
    let place = Place::new();
    let server = Server::start(|_| Answer::whole(b"...").header("content-encoding", "gzip"));
    place.fails(&server, &[], &["content-encoding: gzip"]);
    let place = Place::new();
    let server = Server::start(|_| Answer::whole(b"<html>").header("content-type", "text/html; charset=utf-8"));
    place.fails(&server, &[], &["page for browsers"]);
}

#[test]
fn a_host_that_recovers_is_asked_again() {
    let (place, body) = (Place::new(), bytes(50_000));
    let server = faulty(&body, |asked, answer| match asked.n {
        0 => Answer::status(503).header("retry-after", "0"),
        1 => Answer::status(500),
        _ => answer,
    });
    place.fetches(&server, &[], &body);
    assert_eq!(server.asked().len(), 3);
}

#[test]
fn redirects_are_followed_with_the_range() {
    let (place, body) = (Place::new(), bytes(200_000));
    let server = faulty(&body, |asked, answer| match asked.path.as_str() {
        "/storage" if asked.n < 2 => answer.cut(120_000),
        "/storage" => answer,
        _ => Answer::status(302).header("location", "/storage"),
    });
    place.fetches(&server, &[], &body);
    let last = server.asked().pop().unwrap();
    assert_eq!((last.path.as_str(), last.from), ("/storage", Some(120_000)));
}

#[test]
fn a_silent_host_is_given_up() {
    let (place, body) = (Place::new(), bytes(100_000));
    let server = faulty(&body, |asked, answer| Answer { hang: (asked.n == 0).then_some(30_000), ..answer });
    place.fetches(&server, &["--timeout", "0.3"], &body);
    assert_eq!(server.asked()[1].from, Some(30_000));
}

#[test]
fn without_a_network_it_says_what_to_do_by_hand() {
    let place = Place::new();
    let mut closed = Server::start(|_| Answer::status(404));
    // Nobody listens on this port.
    closed.url = "http://127.0.0.1:1".to_owned();
    let said = place.fails(&closed, &[], &["no connection", "by hand", "put it at data/dixit.zip", "--base-url"]);
    assert!(said.contains("http://127.0.0.1:1/api/access/datafile/6154416"), "{said}");
}

#[test]
fn the_base_may_come_from_settings_and_variables() {
    let (place, body) = (Place::new(), bytes(1000));
    let server = faulty(&body, |_, answer| answer);
    let args = ["data", "fetch", SET, "--to", "data"];
    let base = format!("{}/mirror/", server.url);
    let direct =
        PROXIES.iter().map(|name| (*name, "")).chain([("NO_PROXY", "*"), ("GRN_FETCH_BASE_URL", base.as_str())]);
    let output = grn_with(place.folder(), &args, &direct.collect::<Vec<_>>());
    assert!(output.status.success(), "{}", transcript(place.folder(), &output));
    place.is_whole(&body);
    assert_eq!(server.asked()[0].path, "/mirror/api/access/datafile/6154416");
}

#[test]
fn a_plan_asks_nobody_and_writes_nothing() {
    let place = Place::new();
    let server = Server::start(|_| Answer::status(404));
    let output = place.run_set("string", &server, &["--dry-run"]);
    let said = transcript(place.folder(), &output);
    assert!(output.status.success(), "{said}");
    for text in ["9606.protein.links.v12.0.txt.gz", "83 MB", "CC BY 4.0", "https://string-db.org/cgi/access"] {
        assert!(said.contains(text), "no `{text}` in\n{said}");
    }
    assert!(server.asked().is_empty() && place.folder().read_dir().unwrap().next().is_none());
}

#[test]
fn names_that_are_not_there_are_told() {
    let place = Place::new();
    let server = Server::start(|_| Answer::status(404));
    let t = |set: &str, more: &[&str], with: &str| {
        let output = place.run_set(set, &server, more);
        let said = transcript(place.folder(), &output);
        assert!(output.status.code() == Some(2) && said.contains(with), "{said}");
    };
    t("strin", &[], "did you mean `string`?");
    t("string", &["--only", "links.txt"], "9606.protein.info");
    t("string", &["--sha256", &"0".repeat(64)], "--only FILE");
    t(SET, &["--sha256", "12"], "64 hexadecimal digits");
    let output = grn_with(place.folder(), &["data", "fetch", SET, "--base-url", "mirror.example.org"], &[]);
    let said = transcript(place.folder(), &output);
    assert!(output.status.code() == Some(2) && said.contains("http:// or https://"), "{said}");
}

#[cfg(unix)]
mod killed {
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    use super::*;

    fn spawn(place: &Place, server: &Server) -> Child {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("grn"));
        for name in PROXIES {
            command.env_remove(name);
        }
        command
            .current_dir(place.folder())
            .args(["data", "fetch", SET, "--base-url", &server.url, "--pause", "0.01"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    #[test]
    fn killed_at_any_time_it_ends_with_the_same_bits() {
        // Some 50 times, or about as often as the variable says: the larger the file, the more often.
        let times = std::env::var("GRN_TEST_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(50);
        let (place, body) = (Place::new(), bytes(200_000 * times));
        // A quarter of all answers is cut as well.
        let server = faulty(&body, |asked, answer| {
            let answer = answer.slow(4);
            if asked.n % 4 == 3 { answer.cut(333_333) } else { answer }
        });
        let mut rng = Rng::named(11, "kill");
        let (mut kills, mut on_the_way) = (0, 0);
        let done = loop {
            let mut child = spawn(&place, &server);
            let until = Instant::now() + Duration::from_millis(20 + rng.below(120) as u64);
            let ended = loop {
                if let Some(status) = child.try_wait().unwrap() {
                    break Some(status);
                }
                if Instant::now() > until && kills < 4 * times {
                    break None;
                }
                std::thread::sleep(Duration::from_millis(1));
            };
            if let Some(status) = ended {
                break status;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
            on_the_way += usize::from(place.held() > 0);
            if place.path("").exists() {
                assert!(std::fs::read(place.path("")).unwrap() == body, "a partial file under the final name");
            }
        };
        assert!(
            done.success() && kills >= times / 3 && on_the_way >= 3,
            "{done}, {kills} kills, {on_the_way} on the way"
        );
        println!("fetch: killed {kills} times, {on_the_way} of them with a part of the file there");
        place.fetches(&server, &[], &body);
    }

    #[test]
    fn ctrl_c_keeps_what_is_there() {
        let (place, body) = (Place::new(), bytes(1_000_000));
        let server = faulty(&body, |asked, answer| if asked.n == 0 { answer.slow(20) } else { answer });
        let mut child = spawn(&place, &server);
        let began = Instant::now();
        while place.held() < 100_000 {
            assert!(began.elapsed() < Duration::from_secs(60) && child.try_wait().unwrap().is_none());
            std::thread::sleep(Duration::from_millis(2));
        }
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert!(place.held() >= 100_000 && !place.path("").exists());
        let told = place.fetches(&server, &[], &body);
        assert!(told["files"][0]["continued_from"].as_u64().unwrap() >= 100_000);
    }

    #[test]
    fn a_full_disk_keeps_what_fits() {
        let (place, body) = (Place::new(), bytes(1_000_000));
        let server = faulty(&body, |_, answer| answer);
        // The limit on the size of a file stands for a disk without room.
        let grn = assert_cmd::cargo::cargo_bin("grn");
        let script =
            format!("trap '' XFSZ; ulimit -f 300; exec '{}' data fetch {SET} --base-url {}", grn.display(), server.url);
        let mut command = Command::new("sh");
        for name in PROXIES {
            command.env_remove(name);
        }
        let output = command.current_dir(place.folder()).args(["-c", &script]).output().unwrap();
        let said = transcript(place.folder(), &output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("cannot write `data/dixit.zip.part`"), "{said}");
        assert!(place.held() > 100_000 && !place.path("").exists(), "{} bytes\n{said}", place.held());
        let told = place.fetches(&server, &[], &body);
        assert!(told["files"][0]["continued_from"].as_u64().unwrap() > 100_000, "{told}");
    }

    #[test]
    fn of_two_at_once_one_finishes() {
        let (place, body) = (Place::new(), bytes(2_000_000));
        let server = faulty(&body, |_, answer| answer.slow(20));
        let mut first = spawn(&place, &server);
        while place.held() < 100_000 {
            assert!(first.try_wait().unwrap().is_none());
            std::thread::sleep(Duration::from_millis(2));
        }
        let mut second = spawn(&place, &server);
        let codes = [first.wait().unwrap().code(), second.wait().unwrap().code()];
        assert!(codes.contains(&Some(0)), "{codes:?}");
        place.is_whole(&body);
    }
}
