from __future__ import annotations

import dataclasses
import hashlib
import json
import pickle
import tempfile
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tradewright.app.config import (
    Config,
    Resolved,
    config_hash,
    cost_settings,
    create_profile,
    engine_settings,
    keys,
    list_profiles,
    reference,
    resolve,
    to_json,
    to_yaml,
)
from tradewright.app.config.resolve import LIMITS, Row
from tradewright.domain.errors import ConfigError
from tradewright.engine.costs import PRESETS, CostSettings
from tradewright.engine.settings import Settings


def written(folder: Path, text: str, name: str = "my.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def row(resolved: Resolved, key: str) -> Row:
    return next(item for item in resolved.explain() if item.key == key)


def refused(text: str, tmp_path: Path, name: str = "my.yaml") -> str:
    with pytest.raises(ConfigError) as caught:
        resolve(file=written(tmp_path, text, name), env={})
    return str(caught.value).replace(str(tmp_path) + "/", "")


# --- base ------------------------------------------------------------------------------------------------------------


def test_base_blocks_have_the_documented_values() -> None:
    config = resolve(env={}).config
    assert (config.risk.max_gross, config.risk.daily_loss, config.risk.max_position, config.risk.max_drawdown) == (
        0.5,
        0.02,
        0.1,
        0.15,
    )
    assert config.composer.use_composer is False
    assert config.composer.mode == "softmax_blender"
    assert config.composer.eligible == ("momentum", "mean_reversion", "breakout")
    assert (config.costs.commission_bps, config.costs.slippage_bps) == (5.0, 1.0)


def test_a_plain_backtest_is_not_capped() -> None:
    engine = resolve(env={}).config.engine
    assert [getattr(engine, limit) for limit in LIMITS] == [None] * 4


def test_defaults_are_those_of_the_engine() -> None:
    assert engine_settings(Config()) == Settings()
    assert cost_settings(Config().costs) == CostSettings()


def test_every_setting_of_the_engine_can_be_written_in_a_configuration() -> None:
    protection = {f"{name}_kind" for name in ("stop", "target", "trail")}
    known = {key.removeprefix("engine.") for key in keys() if key.startswith("engine.")}
    engine = {field.name for field in dataclasses.fields(Settings)} - protection - {"costs"}
    assert engine <= known
    assert known - engine == {"stop_atr", "target_atr", "trail_atr"}


# --- layers ----------------------------------------------------------------------------------------------------------


def test_later_layers_win_and_the_trail_is_kept(tmp_path: Path) -> None:
    file = written(tmp_path, "risk:\n  volatility: 0.4\n  max_drawdown: 0.11\n  max_gross: 0.4\n")
    env = {"TRADEWRIGHT__RISK__MAX_DRAWDOWN": "0.12", "TRADEWRIGHT__RISK__DAILY_LOSS": "0.011"}
    found = resolve(
        profile="risk_low",
        symbols=["BTC-USD"],
        file=file,
        env=env,
        sets=["risk.max_drawdown=0.13", "costs.spread_bps=2"],
        options={"costs.spread_bps": 3.0},
    )
    assert found.asset_class == "crypto"
    assert found.config.risk.max_position == 0.1
    expected = {
        "risk.max_position": ("profile", 0.1, ["base"]),
        "risk.max_gross": ("file", 0.4, ["profile", "base"]),
        "risk.daily_loss": ("environment", 0.011, ["profile", "base"]),
        "risk.volatility": ("file", 0.4, ["asset class", "base"]),
        "risk.max_drawdown": ("command line", 0.13, ["environment", "file", "profile", "base"]),
        "costs.spread_bps": ("command line", 3.0, ["command line", "base"]),
        "engine.max_drawdown": ("derived", 0.13, ["base"]),
        "engine.fill": ("base", "next_open", []),
    }
    for key, (layer, value, older) in expected.items():
        item = row(found, key)
        assert (item.layer, item.value, [old.layer for old in item.overrode]) == (layer, value, older), key
    assert (row(found, "risk.max_gross").file, row(found, "risk.max_gross").line) == (str(file), 4)
    assert row(found, "risk.daily_loss").file == "TRADEWRIGHT__RISK__DAILY_LOSS"
    assert row(found, "risk.max_drawdown").file == "--set"
    assert row(found, "costs.spread_bps").file == "--spread-bps"
    shipped = row(found, "risk.max_position")
    assert (shipped.file, shipped.line) == ("shipped/profiles/risk_low.yaml", 6)


def test_explain_names_the_line_of_every_default() -> None:
    from tradewright.app.config import models

    source = Path(models.__file__).read_text(encoding="utf-8").splitlines()
    rows = [item for item in resolve(env={}).explain() if item.layer == "base"]
    assert len(rows) == len(keys())
    for item in rows:
        assert item.line is not None
        assert source[item.line - 1].strip().startswith(item.key.rsplit(".", 1)[-1] + ":")


@pytest.mark.parametrize(
    ("profile", "gross", "drawdown", "daily"),
    [("risk_low", 0.25, 0.08, 0.01), ("risk_balanced", 0.5, 0.15, 0.02), ("risk_aggressive", 0.75, 0.25, 0.03)],
)
def test_a_profile_switches_its_limits_on_in_the_engine(
    profile: str, gross: float, drawdown: float, daily: float
) -> None:
    config = resolve(profile=profile, env={}).config
    assert (config.engine.max_gross, config.engine.max_drawdown, config.engine.daily_loss) == (gross, drawdown, daily)
    assert config.engine.max_position == 0.1
    assert engine_settings(config).max_drawdown == drawdown


def test_one_limit_that_is_asked_for_is_on_and_the_others_stay_off() -> None:
    engine = resolve(env={"TRADEWRIGHT__RISK__MAX_DRAWDOWN": "0.1"}).config.engine
    assert (engine.max_drawdown, engine.max_gross, engine.daily_loss) == (0.1, None, None)


def test_the_engines_own_key_wins_over_the_risk_block() -> None:
    engine = resolve(profile="risk_low", sets=["engine.max_gross=null", "engine.daily_loss=0.5"], env={}).config.engine
    assert (engine.max_gross, engine.daily_loss, engine.max_drawdown) == (None, 0.5, 0.08)


def test_the_old_name_of_the_loosest_profile_works_with_a_warning() -> None:
    with pytest.warns(FutureWarning, match="loosest"):
        old = resolve(profile="risk_strict", env={})
    assert "risk_aggressive" in old.warnings[0]
    assert old.config == resolve(profile="risk_aggressive", env={}).config


def test_the_profile_may_be_named_in_any_layer(tmp_path: Path) -> None:
    file = written(tmp_path, "profile: risk_low\n")
    assert resolve(file=file, env={}).config.engine.max_gross == 0.25
    assert resolve(file=file, env={"TRADEWRIGHT__PROFILE": "risk_balanced"}).config.engine.max_gross == 0.5
    assert resolve(file=file, env={}, profile="risk_aggressive").config.engine.max_gross == 0.75
    assert resolve(file=file, env={}, sets=["profile=null"]).config.engine.max_gross is None


# --- asset classes ---------------------------------------------------------------------------------------------------


def test_asset_class_rules() -> None:
    eligible = {
        symbol: resolve(symbols=[symbol], env={}).config.composer.eligible for symbol in ("BTC-USD", "SPY", "TSLA")
    }
    assert eligible == {
        "BTC-USD": ("momentum", "mean_reversion", "breakout"),
        "SPY": ("momentum", "mean_reversion"),
        "TSLA": ("momentum", "breakout"),
    }
    volatility = [resolve(symbols=[s], env={}).config.risk.volatility for s in ("SPY", "TSLA", "BTC-USD")]
    assert volatility == sorted(volatility)
    assert len(set(volatility)) == 3


def test_a_mixed_universe_has_one_configuration_per_class() -> None:
    mixed = resolve(symbols=["SPY", "BTC-USD"], env={}, sets=["risk.max_gross=0.3"])
    assert mixed.asset_class is None
    assert mixed.config.risk.volatility == 0.2
    assert mixed.for_symbol("SPY").risk.volatility == 0.16
    assert mixed.for_symbol("BTC-USD").risk.volatility == 0.7
    assert mixed.for_symbol("BTC-USD").engine.max_gross == 0.3
    alone = resolve(symbols=["SPY"], env={})
    assert alone.for_symbol("SPY") == alone.config
    with pytest.raises(ConfigError, match="did you mean 'crypto'"):
        mixed.for_class("cryto")


def test_a_file_can_change_the_rules_of_a_class(tmp_path: Path) -> None:
    file = written(tmp_path, "asset_classes:\n  crypto:\n    risk: {volatility: 0.9}\n")
    assert resolve(file=file, symbols="BTC-USD", env={}).config.risk.volatility == 0.9
    assert resolve(file=file, symbols="SPY", env={}).config.risk.volatility == 0.16
    assert resolve(file=file, symbols=["SPY", "BTC-USD"], env={}).for_class("crypto").risk.volatility == 0.9
    assert "did you mean 'crypto'" in refused("asset_classes:\n  crypt:\n    risk: {volatility: 0.9}\n", tmp_path)
    assert "my.yaml:3" in refused("asset_classes:\n  crypto:\n    rsk: 1\n", tmp_path)


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("risk:\n  max_drawdwn: 0.1\n", ["my.yaml:2", "'risk.max_drawdwn', did you mean 'risk.max_drawdown'?"]),
        ("rsk:\n  max_drawdown: 0.1\n", ["my.yaml:2", "'risk.max_drawdown'"]),
        ("max_gross: 0.1\n", ["my.yaml:1", "'risk.max_gross'"]),
        ("risk:\n  max_drawdown: 15\n", ["my.yaml:2", "at most 1", "15 % is 0.15"]),
        ("risk:\n  max_drawdown: 15%\n", ["my.yaml:2", "never percent: write 0.15"]),
        ("risk:\n  max_drawdown: true\n", ["true is not a number"]),
        ("risk:\n  max_drawdown: .nan\n", ["it must be"]),
        ("risk:\n  max_drawdown:\n", ["risk.max_drawdown is null", "it must be a number"]),
        ("risk:\n  daily_loss: 0.06\n", ["my.yaml:2", "at most 0.05"]),
        ("engine:\n  fill: next_opn\n", ["my.yaml:2", "did you mean 'next_open'?"]),
        ("engine:\n  cooldown: 1.5\n", ["whole number"]),
        ("engine:\n  stop: 0.1\n  stop_atr: 2\n", ["stop and stop_atr are both given"]),
        ("engine:\n  size_mode: risk\n", ["give stop or stop_atr"]),
        ("engine:\n  stop: {atr: 2}\n", ["my.yaml:2", "takes a value", "not a block"]),
        ("risk: 5\n", ["my.yaml:1", "risk is a section"]),
        ("costs:\n  preset: ib_fixd\n", ["my.yaml:2", "did you mean 'ib_fixed'"]),
        ("costs:\n  commission_bps: 0\n  slippage_bps: 0\n", ["my.yaml:3", "no_costs: true"]),
        ("api_key: abc\n", ["my.yaml:1", "environment only"]),
        ("data:\n  start: 2020-13-01\n", ["my.yaml:2", "ISO date"]),
        ("profile: risk_lo\n", ["did you mean 'risk_low'"]),
        ("risk:\n  max_gross: 0.1\n  max_gross: 0.2\n", ["my.yaml:3", "given twice", "line 2"]),
        ("risk:\n  max_gross: [\n", ["my.yaml:", "not valid YAML"]),
        ("- risk\n", ["my.yaml:1", "mapping of sections"]),
    ],
)
def test_mistakes_are_refused_with_file_line_and_remedy(text: str, messages: list[str], tmp_path: Path) -> None:
    told = refused(text, tmp_path)
    for message in messages:
        assert message in told


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    told = refused("risk:\n  max_drawdown: 15\n  daily_loss: 0.5\nengine:\n  lot: a\n", tmp_path)
    assert sorted(line.split(" is ")[0] for line in told.splitlines()) == [
        "my.yaml:2: risk.max_drawdown",
        "my.yaml:3: risk.daily_loss",
        "my.yaml:5: engine.lot",
    ]


def test_a_variable_or_option_that_is_wrong_is_named() -> None:
    with pytest.raises(ConfigError, match=r"TRADEWRIGHT__RISK__MAX_GROS: .*risk\.max_gross"):
        resolve(env={"TRADEWRIGHT__RISK__MAX_GROS": "1"})
    with pytest.raises(ConfigError, match=r"--set: risk\.max_gross is 'x'; it must be a number"):
        resolve(env={}, sets=["risk.max_gross=x"])
    with pytest.raises(ConfigError, match=r"--cash: engine\.initial_capital is -1; it must be above 0"):
        resolve(env={}, options={"engine.initial_capital": -1}, option_names={"engine.initial_capital": "--cash"})
    with pytest.raises(ConfigError, match="write key=value"):
        resolve(env={}, sets=["risk.max_gross"])
    with pytest.raises(ConfigError, match="no configuration file"):
        resolve(env={}, file="nowhere.yaml")


def test_json_has_lines_too(tmp_path: Path) -> None:
    file = written(tmp_path, '{\n\t"risk": {\n\t\t"max_drawdown": 1e-1\n\t}\n}\n', "my.json")
    found = resolve(file=file, env={})
    assert (found.config.risk.max_drawdown, row(found, "risk.max_drawdown").line) == (0.1, 3)
    assert "my.json:2" in refused('{\n"rsk": 1}', tmp_path, "my.json")
    assert "my.json:2: not valid JSON" in refused('{\n"risk": }', tmp_path, "my.json")
    assert "given twice" in refused('{"risk": {"max_gross": 1, "max_gross": 2}}', tmp_path, "my.json")
    assert "object of sections" in refused("[]", tmp_path, "my.json")


def test_words_mean_what_they_look_like(tmp_path: Path) -> None:
    words = "a: 1e-3, b: 09:30, c: 010, d: no, e: 2020-01-01, f: true, g: ~, h: 0x10, i: 1_0, j: .5"
    text = f"strategy:\n  params: {{{words}}}\n"
    params = resolve(file=written(tmp_path, text), env={}).config.strategy.params
    assert params == {
        "a": 0.001,
        "b": "09:30",
        "c": 10,
        "d": "no",
        "e": "2020-01-01",
        "f": True,
        "g": None,
        "h": 16,
        "i": "1_0",
        "j": 0.5,
    }


def test_blocks_can_be_shared_by_an_anchor(tmp_path: Path) -> None:
    text = "risk: &limits\n  max_gross: 0.3\n  max_drawdown: 0.2\nengine:\n  <<: *limits\n  max_gross: 0.4\n"
    config = resolve(file=written(tmp_path, text), env={}).config
    assert (config.engine.max_gross, config.engine.max_drawdown, config.risk.max_gross) == (0.4, 0.2, 0.3)


# --- freezing, hash, round trip --------------------------------------------------------------------------------------


def test_a_configuration_never_changes() -> None:
    config = resolve(env={}, sets=["strategy.params.fast=10"]).config
    with pytest.raises(ValidationError):
        config.risk.max_gross = 1.0
    with pytest.raises(TypeError, match="never changes"):
        config.strategy.params["fast"] = 20
    assert pickle.loads(pickle.dumps(config)) == config


words = st.text(max_size=6) | st.sampled_from(["1e-3", "no", "010", "0o7", "09:30", "2020-01-01", "~", "null", ".5"])
settings = st.fixed_dictionaries(
    {},
    optional={
        "risk.max_gross": st.floats(0.01, 10),
        "risk.max_drawdown": st.floats(0.01, 1),
        "risk.daily_loss": st.floats(0.001, 0.05),
        "engine.size": st.none() | st.floats(0.001, 2),
        "engine.max_gross": st.none() | st.floats(0.01, 3),
        "engine.stop": st.none() | st.floats(0.001, 0.99),
        "engine.fill": st.sampled_from(["next_open", "same_close", "next_close"]),
        "engine.close_last": st.booleans(),
        "costs.preset": st.sampled_from(["", *PRESETS]),
        "costs.maker_bps": st.none() | st.floats(0, 100),
        "data.symbols": st.lists(st.sampled_from(["SPY", "BTC-USD", "TSLA"]), max_size=2, unique=True),
        "strategy.params": st.dictionaries(
            st.sampled_from(["fast", "slow"]),
            st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.none() | words,
            max_size=2,
        ),
        "profile": st.none() | st.sampled_from(["risk_low", "risk_balanced"]),
    },
)


@given(settings)
def test_a_saved_configuration_runs_with_the_same_hash(options: dict[str, object]) -> None:
    config = resolve(env={}, options=options).config
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("my.yaml", to_yaml(config)), ("my.json", to_json(config))):
            again = resolve(env={}, file=written(Path(folder), text, name))
            assert again.hash == config_hash(config)
            assert again.config == config


def test_the_hash_is_of_what_can_change_a_result() -> None:
    plain = resolve(env={}).hash
    assert resolve(env={"LOG_LEVEL": "debug"}).hash == plain
    assert resolve(env={}, sets=["report.theme=dark"]).hash == plain
    assert resolve(env={}, sets=["engine.size=0.5"]).hash != plain
    canonical = json.dumps(
        Config().model_dump(mode="json", exclude={"profile", "report", "logging", "research"}),
        sort_keys=True,
        separators=(",", ":"),
    )
    assert plain == hashlib.sha256(canonical.encode()).hexdigest()


def test_log_level_comes_from_the_environment() -> None:
    found = resolve(env={"LOG_LEVEL": "debug"})
    assert found.config.logging.level == "DEBUG"
    assert row(found, "logging.level").file == "LOG_LEVEL"
    both = {"LOG_LEVEL": "debug", "TRADEWRIGHT__LOGGING__LEVEL": "ERROR"}
    assert resolve(env=both).config.logging.level == "ERROR"
    with pytest.raises(ConfigError, match=r"LOG_LEVEL: .*one of"):
        resolve(env={"LOG_LEVEL": "loud"})


# --- costs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_cost_preset_becomes_the_engines_own(name: str) -> None:
    found = cost_settings(resolve(env={}, sets=[f"costs.preset={name}"]).config.costs)
    assert found == PRESETS[name]()


def test_a_key_wins_over_the_preset() -> None:
    found = resolve(env={}, sets=["costs.preset=ib_fixed", "costs.commission_min=2"])
    assert found.config.costs.commission_min == 2.0
    assert row(found, "costs.commission_min").overrode[0].layer == "cost preset"


def test_free_trading_must_be_said() -> None:
    free = cost_settings(resolve(env={}, sets=["costs.no_costs=true"]).config.costs)
    assert free.is_free


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        (["costs.slippage_model=fixed", "costs.slippage_fixed=0.01"], ("fixed", 0.01)),
        (["costs.slippage_model=volume_share"], ("volume_share", 0.1)),
        (["costs.slippage_model=square_root", "costs.slippage_impact=0.7"], ("square_root", 0.7)),
        (["costs.slippage_model=almgren_chriss"], ("almgren_chriss", 0.314)),
        (["costs.slippage_model=none"], ("none", 0.0)),
    ],
)
def test_slippage_models(sets: list[str], expected: tuple[str, float]) -> None:
    found = cost_settings(resolve(env={}, sets=sets).config.costs)
    assert (found.slip_model, found.slip_a) == expected


def test_protection_in_ranges() -> None:
    found = engine_settings(resolve(env={}, sets=["engine.stop_atr=2.5", "engine.target=0.1"]).config)
    assert (found.stop, found.stop_kind, found.target, found.target_kind) == (2.5, "atr", 0.1, "fraction")


# --- profiles of one's own -------------------------------------------------------------------------------------------


def test_a_profile_of_ones_own(tmp_path: Path) -> None:
    path = create_profile(
        "careful",
        {"risk.max_drawdown": 0.1, "composer": {"use_composer": True}},
        description="Ten per cent",
        folder=tmp_path,
    )
    found = resolve(profile="careful", profile_folder=tmp_path, env={})
    assert (found.config.engine.max_drawdown, found.config.composer.use_composer) == (0.1, True)
    assert found.config.engine.max_gross is None
    assert row(found, "risk.max_drawdown").file == str(path)
    assert [p.name for p in list_profiles(tmp_path)] == ["risk_aggressive", "risk_balanced", "risk_low", "careful"]
    assert resolve(profile=str(path), env={}).config.risk.max_drawdown == 0.1


def test_a_profile_can_extend_another(tmp_path: Path) -> None:
    create_profile("mine", {"risk.max_drawdown": 0.05}, extends="risk_low", folder=tmp_path)
    create_profile("tighter", {"risk.daily_loss": 0.001}, extends="mine", folder=tmp_path)
    config = resolve(profile="tighter", profile_folder=tmp_path, env={}).config
    assert (config.engine.max_gross, config.engine.max_drawdown, config.engine.daily_loss) == (0.25, 0.05, 0.001)
    written(tmp_path, "extends: tighter\n", "mine.yaml")
    with pytest.raises(ConfigError, match="circle: tighter -> mine -> tighter"):
        resolve(profile="tighter", profile_folder=tmp_path, env={})


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("risk_low", {"risk.max_gross": 0.1}, "ships with the package"),
        ("risk_strict", {"risk.max_gross": 0.1}, "ships with the package"),
        ("My Profile", {"risk.max_gross": 0.1}, "small letters"),
        ("../up", {"risk.max_gross": 0.1}, "small letters"),
        ("empty", {}, "change nothing"),
        ("wrong", {"risk.max_gros": 0.1}, "did you mean 'risk.max_gross'"),
        ("wild", {"risk.daily_loss": 0.2}, "at most 0.05"),
    ],
)
def test_profiles_that_cannot_be_are_not_written(
    name: str, values: dict[str, float], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        create_profile(name, values, folder=tmp_path)
    assert list(tmp_path.rglob("*.yaml")) == []


def test_a_profile_is_replaced_only_when_asked(tmp_path: Path) -> None:
    create_profile("mine", {"risk.max_gross": 0.1}, folder=tmp_path)
    with pytest.raises(ConfigError, match="already"):
        create_profile("mine", {"risk.max_gross": 0.2}, folder=tmp_path)
    create_profile("mine", {"risk.max_gross": 0.2}, folder=tmp_path, overwrite=True)
    assert resolve(profile="mine", profile_folder=tmp_path, env={}).config.risk.max_gross == 0.2


def test_every_shipped_file_resolves() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for profile in list_profiles(Path("nowhere")):
            assert profile.description
            resolve(profile=profile.name, env={})
        for name in ("equity", "etf", "crypto", "fx", "future", "option", "index"):
            resolve(env={}).for_class(name)


# --- documentation ---------------------------------------------------------------------------------------------------


def test_the_documented_reference_is_that_of_the_code() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"
    assert reference().strip() in page.read_text(encoding="utf-8")


def test_every_setting_is_explained() -> None:
    for key in keys().values():
        assert key.description.endswith("."), key.name
