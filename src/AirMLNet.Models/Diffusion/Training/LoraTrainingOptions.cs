using System.Text.Json.Serialization;
using AirMLNet.Optimisation;
using AirMLNet.Options;

namespace AirMLNet.Diffusion;

/// <summary>How the learning rate goes on after the warm-up.</summary>
public enum LearningRateDecay
{
    /// <summary>Half a cosine, down to 0 at the last step.</summary>
    Cosine,

    /// <summary>Not at all.</summary>
    Constant,
}

/// <summary>
/// Options of <see cref="LoraTrainer"/>. The defaults are DataDream's (Kim et al. 2024; <c>docs/methods.md</c> §4.2): rank 16, AdamW and
/// a cosine after 100 steps, here for 3,000 steps. Values are checked when they are set.
/// </summary>
public sealed record LoraTrainingOptions
{
    /// <summary>Rank and layers.</summary>
    public LoraOptions Lora { get; init; } = new();

    /// <summary>Optimiser steps, 1..10,000,000.</summary>
    public int Steps
    {
        get;
        init => field = OptionCheck.Range(value, 1, 10_000_000);
    } = 3000;

    /// <summary>Images in a step, 1..65,536.</summary>
    public int BatchSize
    {
        get;
        init => field = OptionCheck.Range(value, 1, 65_536);
    } = 8;

    /// <summary>
    /// Parts that the images of a step are worked on in, one after the other, to save memory; at most as many as images. The result is the
    /// same to rounding.
    /// </summary>
    public int AccumulationSteps
    {
        get;
        init => field = OptionCheck.Range(value, 1, 65_536);
    } = 1;

    /// <summary>Peak learning rate of AdamW.</summary>
    public double LearningRate
    {
        get;
        init => field = OptionCheck.Range(value, 0, 10);
    } = 1e-4;

    /// <summary>Steps in which the learning rate grows to its peak.</summary>
    public int WarmUpSteps
    {
        get;
        init => field = OptionCheck.Range(value, 0, 10_000_000);
    } = 100;

    /// <summary>What follows the warm-up.</summary>
    public LearningRateDecay Decay
    {
        get;
        init => field = OptionCheck.Defined(value);
    } = LearningRateDecay.Cosine;

    /// <summary>AdamW's β₁.</summary>
    public double Beta1
    {
        get;
        init => field = OptionCheck.Range(value, 0, 0.999999);
    } = 0.9;

    /// <summary>AdamW's β₂.</summary>
    public double Beta2
    {
        get;
        init => field = OptionCheck.Range(value, 0, 0.999999);
    } = 0.999;

    /// <summary>AdamW's weight decay.</summary>
    public double WeightDecay
    {
        get;
        init => field = OptionCheck.Range(value, 0, 10);
    } = 0.01;

    /// <summary>Largest norm of the gradient; 0 for none.</summary>
    public double GradientClip
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1e6);
    } = 1;

    /// <summary>Trains on mirror images too. Not for texts and other things that have a left and a right.</summary>
    public bool HorizontalFlip { get; init; } = true;

    /// <summary>
    /// Square cuts of each image whose latents are kept, 1..64: with 1 the middle, with more cuts at random places. The
    /// shorter side is scaled to the model's size first, so it matters to images that are not square only.
    /// </summary>
    public int Crops
    {
        get;
        init => field = OptionCheck.Range(value, 1, 64);
    } = 1;

    /// <summary>Share of training images whose prompt is left out, which keeps guidance sharp, 0..1.</summary>
    public double PromptDropout
    {
        get;
        init => field = OptionCheck.Range(value, 0, 1);
    }

    /// <summary>Steps between two checkpoints.</summary>
    public int CheckpointEvery
    {
        get;
        init => field = OptionCheck.Range(value, 1, 10_000_000);
    } = 250;

    /// <summary>Receives a report after each step, which is the unit.</summary>
    [JsonIgnore]
    public IProgress<ProgressReport>? Progress { get; init; }

    /// <summary>Checked before each step; the last checkpoint stays.</summary>
    [JsonIgnore]
    public CancellationToken CancellationToken { get; init; }

    /// <summary>The learning rate of step s = 0 …: Peak·(s+1)/W up to W, then Peak·½(1 + cos(π(s−W)/(S−W))).</summary>
    internal double RateAt(int step) =>
        step < WarmUpSteps ? LearningRate * (step + 1) / WarmUpSteps
        : Decay == LearningRateDecay.Constant ? LearningRate
        : LearningRateSchedule.Cosine(LearningRate, step - WarmUpSteps, Math.Max(1, Steps - WarmUpSteps));
}

/// <summary>An image to learn from.</summary>
/// <param name="Name">What to call it in messages.</param>
/// <param name="Load">Decodes it.</param>
/// <param name="Prompt">What it shows.</param>
public sealed record LoraExample(string Name, Func<Images.RgbImage> Load, string Prompt);

/// <summary>What a training did.</summary>
/// <param name="File">The LoRA file.</param>
/// <param name="LossBefore">Mean squared error on fixed draws of noise for the training images before it; null where the file was there
/// already.</param>
/// <param name="LossAfter">The same after it.</param>
/// <param name="Seconds">Time it took, over all runs.</param>
public sealed record LoraTrainingResult(string File, double? LossBefore, double? LossAfter, double Seconds);
