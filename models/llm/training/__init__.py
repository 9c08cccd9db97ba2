"""Post-training on TRL and PEFT: SFT, SFT with reasons, DPO, weighted by inverse propensity."""
